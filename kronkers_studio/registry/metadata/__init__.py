"""The journal of changes, the tables that it is projected on, and what is asked of them."""
