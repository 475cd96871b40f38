"""The way in from other tools: what they say of AWS Batch becomes a manifest of ours.

    text of another tool ─read─▶ its own resources ─resolve, map─▶ Conversion: a document, and all that is not in it

Nothing is guessed: a value that the text does not tell becomes a variable of the manifest, listed with its path and
with what to pass; what is not of AWS Batch is listed as left alone; what cannot be said in a manifest is listed as
lacking. Values that may be secret are never told in a message. The tools are unaware of each other, and all they share
is `conversion`.
"""
