"""Resources of Terraform and OpenTofu: from a state, or from a plan, to a manifest.

file ─state─▶ resources with addresses ─resources─▶ documents of the API ─blocks, unknowns─▶ a manifest
"""

from reconciler.adapters.terraform.conversion import Asked, convert

__all__ = ["Asked", "convert"]
