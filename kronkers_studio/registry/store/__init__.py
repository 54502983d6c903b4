"""Objects: sealed records in packs, the index that says where each lies, and what is saved from damage."""
