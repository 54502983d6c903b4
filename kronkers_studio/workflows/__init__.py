"""One typed function per user action, called alike by the window and the command line."""
