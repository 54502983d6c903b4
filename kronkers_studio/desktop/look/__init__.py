"""How the window looks: colours and sizes as tokens, the style sheet made of them, icons, light and dark."""
