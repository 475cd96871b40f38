"""CloudFormation's templates, and so those that the CDK writes: read, and resolved as far as values are known.

    bytes ─template─▶ Template ─resolve, with what is Known─▶ plain values, with leaves where something is not known

Pure: nothing here calls AWS, so that a template is resolved as CloudFormation would only where the files tell how.
"""
