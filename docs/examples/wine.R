#!/usr/bin/env Rscript
# From a table to a live model, by the command line's --json. The sample was brought in as "analytics".
#
#   Rscript wine.R             trains a tree, and puts it live on this computer as PMML
#   Rscript wine.R factory     the same, as R's own object on the server "factory" (kronkers base build r --on factory)
#
# Needs rpart, which comes with R, and jsonlite.

library(rpart)
library(jsonlite)

place <- commandArgs(trailingOnly = TRUE)
place <- if (length(place)) place[1] else "this-computer"

kronkers <- function(..., input = NULL) {
  out <- system2("kronkers", shQuote(c(..., "--json")), stdout = TRUE, input = input)
  if (!is.null(attr(out, "status"))) stop(paste(out, collapse = "\n"))
  fromJSON(out, simplifyVector = FALSE)
}

# A tree of rpart as a PMML document: each node with what leads to it and what it answers.
tree_as_pmml <- function(tree) {
  frame <- tree$frame
  labels <- attr(tree, "ylevels")
  numbers <- as.integer(rownames(frame))
  columns <- attr(tree$terms, "term.labels")
  escaped <- function(text) gsub('"', "&quot;", gsub("<", "&lt;", gsub("&", "&amp;", text, fixed = TRUE), fixed = TRUE))
  first <- cumsum(c(1, frame$ncompete + frame$nsurrogate + (frame$var != "<leaf>")))
  shares <- frame$yval2[, 1 + length(labels) + seq_along(labels), drop = FALSE]

  predicate <- function(number) {
    if (number == 1) return("<True/>")
    parent <- match(number %/% 2, numbers)
    split <- tree$splits[first[parent], ]
    below <- (number %% 2 == 0) == (split["ncat"] == -1)
    sprintf('<SimplePredicate field="%s" operator="%s" value="%s"/>', escaped(as.character(frame$var[parent])),
            if (below) "lessThan" else "greaterOrEqual", format(split["index"], digits = 17))
  }
  node <- function(number) {
    row <- match(number, numbers)
    counts <- sprintf('<ScoreDistribution value="%s" recordCount="%s" probability="%s"/>', escaped(labels),
                      format(shares[row, ] * frame$n[row], digits = 15), format(shares[row, ], digits = 15, trim = TRUE))
    below <- if (frame$var[row] == "<leaf>") "" else paste0(node(2 * number), node(2 * number + 1))
    majority <- if (frame$var[row] == "<leaf>") "" else sprintf(' defaultChild="%d"', 2 * number +
      (frame$n[match(2 * number + 1, numbers)] > frame$n[match(2 * number, numbers)]))
    sprintf('<Node id="%d" score="%s" recordCount="%d"%s>%s%s%s</Node>', number, escaped(labels[frame$yval[row]]),
            frame$n[row], majority, predicate(number), paste(counts, collapse = ""), below)
  }
  fields <- sprintf('<DataField name="%s" optype="continuous" dataType="double"/>', escaped(columns))
  target <- sprintf('<DataField name="cultivar" optype="categorical" dataType="string">%s</DataField>',
                    paste(sprintf('<Value value="%s"/>', escaped(labels)), collapse = ""))
  mined <- sprintf('<MiningField name="%s"/>', escaped(columns))
  paste0(
    '<?xml version="1.0" encoding="UTF-8"?><PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4">',
    '<Header><Application name="rpart"/></Header><DataDictionary>', paste(fields, collapse = ""), target,
    '</DataDictionary><TreeModel functionName="classification" splitCharacteristic="binarySplit" ',
    'missingValueStrategy="defaultChild"><MiningSchema>', paste(mined, collapse = ""),
    '<MiningField name="cultivar" usageType="target"/></MiningSchema>', node(1), "</TreeModel></PMML>"
  )
}

# 1. Read a table
lines <- system2("kronkers", c("read", shQuote("analytics:Quality/Wine/data/wine_measurements.csv")), stdout = TRUE)
wine <- read.csv(text = lines, stringsAsFactors = TRUE)

# 2. Train
set.seed(1)
some <- sample(nrow(wine), 120)
tree <- rpart(cultivar ~ ., data = wine[some, ])
test <- wine[-some, ]
accuracy <- mean(predict(tree, test, type = "class") == test$cultivar)

# 3. Register, with metrics
on_server <- place != "this-computer"
file <- tempfile(fileext = if (on_server) ".rds" else ".pmml")
if (on_server) saveRDS(tree, file) else writeLines(tree_as_pmml(tree), file, useBytes = TRUE)
kept <- paste0("models:wine/wine", if (on_server) ".rds" else ".pmml")
saved <- kronkers("save", kept, file, "--message", "a tree of rpart", "--create")
unlink(file)
version <- kronkers("model", "register", kept, "--name", "wine", "--metric", sprintf("accuracy=%.4f", accuracy),
                    "--data", "analytics:Quality/Wine/data/wine_measurements.csv")

# 4. Package: for a server that is done on the way there
package <- if (on_server) NULL else kronkers("package", "wine")

# 5. Put it live
release <- kronkers("release", "wine", "--to", place)

# 6. Predict
rows <- capture.output(write.csv(test[setdiff(names(test), "cultivar")], row.names = FALSE, na = ""))
answers <- kronkers("predict", "wine", "--in", place, "--input", "-", input = rows)
correct <- mean(unlist(answers$outputs) == as.character(test$cultivar))

# 7. Read its series
series <- kronkers("metrics", "wine", "--in", place, "--since", "1h")$series
cat(toJSON(list(version = version$version, release = paste0("r", release$number), accuracy = accuracy,
                correct = correct, readings = length(series$memory)), auto_unbox = TRUE), "\n", sep = "")
