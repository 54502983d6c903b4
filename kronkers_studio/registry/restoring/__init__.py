"""A commit's files back into a folder: safe names, one run at a time in each folder, drafts renamed when whole."""
