# Tries the model on data/test.csv, rows that it was not trained on; fails when too few answers are right.

script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
script <- gsub("~+~", " ", script, fixed = TRUE)  # how Rscript hands on spaces
if (length(script) == 1) setwd(dirname(normalizePath(script)))

enough <- 0.7
model <- readRDS("@NAME@.rds")
rows <- read.csv("data/test.csv", stringsAsFactors = TRUE)
said <- ifelse(predict(model, rows, type = "response") > 0.5, "yes", "no")
share <- mean(said == rows$failure)
cat(sprintf("%.0f%% of %d answers are right\n", 100 * share, nrow(rows)))
if (share < enough) stop(sprintf("%.0f%% are asked for", 100 * enough))
