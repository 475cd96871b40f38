"""Views: text made from a finished plan, and from the report of an apply.

Each view is a function of a plan, unaware of the others; what they share is in `wording`. They show what they are
given, so whoever shows a plan masks it first (`plans.masking`). Text from AWS or a manifest is untrusted: it is shown
with its unprintable characters escaped, and quoted by the rules of the form that it is put in.
"""
