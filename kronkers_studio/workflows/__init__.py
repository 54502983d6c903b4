"""One typed function per user action, called alike by the window and the command line.

Every workflow takes a ``Session`` (an open workspace with what works on it) first and reports through ``Progress``
and ``CancelToken``. Workflows block: the window runs them through its task runner. They raise the expected failures of
``kronkers_studio.domain.errors`` and return ``domain`` objects.

session            making, opening and closing a workspace; ``opening`` tells which, and by which key, from the settings

What people do:
migrating          plan a folder, bring it in; ``plans`` tells more of it, ``replace_branch`` chooses the branch,
                   ``sources`` are a project's folders, ``watching`` keeps in step with them
browsing           projects, folders, restore, check; ``timeline`` has all versions, ``previews`` one file
working_copies     a version's files in a folder, to be worked on; ``saved_copies`` makes a version of what was changed,
                   ``update_copies`` brings what is newer, ``version_control_folders`` are left out
editors            the editors on this computer, and a version's files opened in one
new_projects       small projects in Python, R and Julia that work at once
file_commits       files of no folder, such as a notebook's, saved as a commit; ``table_files`` reads tables as columns
versions           branches, tags, differences, the history of one file, merges
searching          files, models and projects by what is typed
trash, keys        out of sight and back; the ways of opening the workspace; ``signers`` sign packages
maintenance        free space, find damage, mend it
models             find, register, list and alias models; ``model_versions`` describes them, ``lineage`` follows them
model_tests        test a version's service by a test set; what came of it
model_folders      folders that MLflow saved: which file in them is the model
added_models       a model's file from anywhere, without its folder; ``given_models`` one from a program's memory
allowances         names outside the list that a person lets one version's file use
stated_signatures  what a person says that a version takes and gives; ``example_inputs`` tells it from an example
feature_profiles   how the features were spread in the data that a version was trained on
dependencies       the libraries of a model's service: what was found of them, and what a person chooses
packages           build the image of a model version; ``package_plans`` tells of it before and builds it to a place,
                   ``packaged_files`` verifies one in a file or registry
image_registries   where base images come from: logins, CA files, newer images
language_bases     the base images of R and Julia models, built on a server or brought
package_cache      what packages are built from, taken to another computer
servers            host keys, add, check, set up, unlock, remove; ``server_care`` cleans, ``credentials`` keeps secrets,
                   ``server_addresses`` tells where an address or a name of the SSH configuration leads
gateways           the address of models for programs: start, tell, repair, stop; ``platform_images`` they run from
consumers          who may ask models through gateways, and their keys
releases           put live, roll back, stop, send rows; ``restart`` starts again, ``this_computer`` at each log-in
row_comparison     two versions asked the same rows; ``compared_files`` saves what they answered
service_access     how other programs ask what is live
metrics            live metrics, windows for charts; ``feature_counts`` is what came in, beside the reference profile
recorded_rows      rows that were asked, kept with their answers; ``recorded_row_files`` saves them
service_logs       what model services log; ``diagnostics`` is what those who help need to know
demo               the main job on the bundled sample

Behind them:
migration          the parts of a migration
model_test_runs      the parts of a test of a model version
server_connections the SSH connections of a session, kept open
places             where a release can run: this computer, or a server
release_options    what a release may be told of its service
settling, workers  ending what was begun with a release and never ended
restoring_process  a process of the program that writes files of a restore
copy_marks         what is remembered of working copies; ``copy_places`` are folders for them, ``replaced_files`` what
                   an update sets aside
prediction_answers what a service answers; ``prediction_requests`` send it rows
row_files, row_matching    tables of rows from files and projects; which of their columns a model needs
answer_differences how the answers of two versions differ
scored_rows, scored_files  rows sent in parts; the table with its answers, saved
"""
