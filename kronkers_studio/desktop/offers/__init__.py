"""What can be done with each thing in the workspace, as data: pages' buttons, menus and the palette are made of it.

services    what is live, or was
models      registered versions
content     projects, files, folders and their versions
servers     the company's own servers
settings    settings, and what is done on their page
window      all of it together, and what can be done from anywhere
"""
