"""AutoML jobs: what they are asked, and what is made of what they find."""
