"""``python -m kronkers_studio`` opens the window."""

from kronkers_studio.app import window

if __name__ == "__main__":
    window()
