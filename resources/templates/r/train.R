# Trains the model on data/train.csv and saves it as @NAME@.rds: Rscript train.R

script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
script <- gsub("~+~", " ", script, fixed = TRUE)  # how Rscript hands on spaces
if (length(script) == 1) setwd(dirname(normalizePath(script)))

rows <- read.csv("data/train.csv", stringsAsFactors = TRUE)
model <- glm(failure ~ temperature + vibration + load, family = binomial, data = rows)
saveRDS(model, "@NAME@.rds")

said <- levels(rows$failure)[1 + (fitted(model) > 0.5)]
cat(sprintf("@NAME@.rds: trained on %d rows, %.0f%% of them right\n", nrow(rows), 100 * mean(said == rows$failure)))
