from kronkers_studio.notebook import Model as Model
from kronkers_studio.notebook import Project as Project
from kronkers_studio.notebook import Workspace as Workspace
from kronkers_studio.notebook import open as open

__version__: str
