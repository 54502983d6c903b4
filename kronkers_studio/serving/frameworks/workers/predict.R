# Answers rows with one of R's models: Rscript predict.R MODEL.rds [PACKAGE[==VERSION] ...]
#
# Frames come on standard input and go to standard output, as kronkers_studio/serving/worker_frames.py has them; what
# the model prints goes nowhere near them. What each class answers is what packaging/model_files/r_files says of it.

# ---- frames ----

read_numbers <- function(from, count = 1L) readBin(from, "integer", count, 4L, endian = "little")

read_texts <- function(from, count) {
  lengths <- read_numbers(from, count)
  bytes <- readBin(from, "raw", sum(pmax(lengths, 0L)))
  ends <- cumsum(pmax(lengths, 0L))
  texts <- vapply(seq_along(lengths), function(place) {
    if (lengths[place] < 0L) return(NA_character_)
    if (lengths[place] == 0L) return("")
    rawToChar(bytes[seq.int(ends[place] - lengths[place] + 1L, ends[place])])
  }, "")
  Encoding(texts) <- "UTF-8"
  texts
}

read_column <- function(from) {
  head <- read_numbers(from, 4L) # its kind, its rows, one column, no names
  if (head[1L] == 1L) return(read_texts(from, head[2L]))
  values <- readBin(from, "double", head[2L], 8L, endian = "little")
  values[is.nan(values)] <- NA # missing, as rows have it
  values
}

as_numbers <- function(values) writeBin(as.integer(values), raw(), 4L, endian = "little")

as_texts <- function(texts) {
  texts <- enc2utf8(as.character(texts))
  lengths <- ifelse(is.na(texts), -1L, nchar(texts, "bytes"))
  present <- texts[!is.na(texts)]
  c(as_numbers(lengths), charToRaw(paste(present, collapse = "")))
}

as_answer <- function(name, values) {
  names <- if (is.matrix(values)) colnames(values) else character()
  columns <- if (is.matrix(values)) ncol(values) else 1L
  kind <- if (is.character(values)) 1L else 0L
  rows <- if (is.matrix(values)) nrow(values) else length(values)
  c(
    as_texts(name), as_numbers(c(kind, rows, columns, length(names))), as_texts(names),
    if (kind == 1L) as_texts(values) else writeBin(as.double(values), raw(), 8L, endian = "little")
  )
}

as_frame <- function(answers) {
  parts <- Map(as_answer, names(answers), answers)
  c(as_numbers(c(0L, length(answers))), unlist(parts, use.names = FALSE))
}

refuse <- function(...) stop(structure(class = c("refused", "error", "condition"), list(message = paste0(...), call = NULL)))

# ---- rows ----

dates <- function(texts, name) {
  found <- as.Date(texts, format = "%Y-%m-%d")
  strange <- texts[is.na(found) & !is.na(texts)]
  if (length(strange)) refuse("“", name, "” is no date like 2024-02-29.")
  found
}

data_of <- function(columns, setup, model) {
  classes <- attr(model$terms, "dataClasses")
  for (place in seq_along(columns)) {
    if (setup$kinds[place] == "truth") columns[[place]] <- columns[[place]] != 0
    if (inherits(model$model[[setup$names[place]]], "Date")) {
      columns[[place]] <- dates(columns[[place]], setup$names[place])
    }
    if (length(setup$levels[[place]])) {
      is_ordered <- identical(unname(classes[setup$names[place]]), "ordered")
      columns[[place]] <- factor(columns[[place]], levels = setup$levels[[place]], ordered = is_ordered)
    }
  }
  names(columns) <- setup$names
  structure(columns, row.names = .set_row_names(length(columns[[1L]])), class = "data.frame")
}

# A factor that the formula makes of numbers has levels of its own: what is none of them is the sender's mistake.
check_levels <- function(model, data) {
  known <- if (inherits(model, "rpart")) attr(model, "xlevels") else model$xlevels
  computed <- setdiff(names(known), names(data))
  if (!length(computed) || is.null(model$terms)) return(invisible())
  found <- model.frame(delete.response(model$terms), data, na.action = na.pass)
  for (name in computed) {
    strange <- setdiff(as.character(found[[name]]), c(known[[name]], NA))
    if (length(strange)) refuse("“", name, "” is ", strange[1L], ", which the model never saw.")
  }
}

# Answers of the complete rows, and NA for the others, where a class has no way of its own with missing values.
complete_only <- function(data, answer) {
  complete <- stats::complete.cases(data)
  if (all(complete)) return(answer(data))
  if (!any(complete)) {
    one <- data[1L, , drop = FALSE]
    for (name in names(one)) {
      one[[name]] <- if (is.factor(one[[name]])) factor(levels(one[[name]])[1L], levels(one[[name]])) else if (is.character(one[[name]])) "" else 0
    }
    answers <- answer(one)
  } else {
    answers <- answer(data[complete, , drop = FALSE])
  }
  place <- rep(NA_integer_, nrow(data))
  place[complete] <- seq_len(sum(complete))
  lapply(answers, function(values) if (is.matrix(values)) values[place, , drop = FALSE] else values[place])
}

# ---- what each class answers ----

numbers <- function(values) list(output = if (is.matrix(values) && ncol(values) > 1L) values else as.vector(values))

of_classes <- function(probabilities, names, label = NULL) {
  if (!is.matrix(probabilities)) probabilities <- matrix(probabilities, ncol = length(names))
  dimnames(probabilities) <- list(NULL, names)
  if (is.null(label)) {
    label <- rep(NA_character_, nrow(probabilities))
    known <- !is.na(rowSums(probabilities))
    label[known] <- names[max.col(probabilities[known, , drop = FALSE], "first")]
  }
  list(label = as.character(label), probabilities = probabilities)
}

of_two <- function(second, names) of_classes(cbind(1 - second, second), names)

answers_of <- list(
  lm = function(model, data, threads) numbers(predict(model, data)),
  glm = function(model, data, threads) {
    values <- as.vector(predict(model, data, type = "response"))
    if (!model$family$family %in% c("binomial", "quasibinomial")) return(list(output = values))
    fitted <- model$model[[1L]]
    if (is.factor(fitted) && nlevels(fitted) == 2L) of_two(values, levels(fitted)) else list(probability = values)
  },
  loess = function(model, data, threads) complete_only(data, function(data) numbers(predict(model, data))),
  nls = function(model, data, threads) numbers(predict(model, data)),
  rpart = function(model, data, threads) {
    if (model$method != "class") return(numbers(predict(model, data)))
    probabilities <- predict(model, data, type = "prob")
    of_classes(probabilities, attr(model, "ylevels"), predict(model, data, type = "class"))
  },
  randomForest = function(model, data, threads) complete_only(data, function(data) {
    if (model$type != "classification") return(numbers(predict(model, data)))
    set.seed(1L) # ties are broken at random
    of_classes(predict(model, data, type = "prob"), model$classes, predict(model, data))
  }),
  ranger = function(model, data, threads) complete_only(data, function(data) {
    set.seed(1L)
    found <- predict(model, data, num.threads = threads)$predictions
    if (is.factor(found)) return(list(label = as.character(found)))
    levels <- model$forest$levels
    if (is.null(levels)) numbers(found) else of_classes(found[, levels, drop = FALSE], levels)
  }),
  svm = function(model, data, threads) complete_only(data, function(data) {
    if (is.null(model$terms)) data <- as.matrix(data)
    if (model$type > 2) return(numbers(predict(model, data)))
    if (!model$compprob) return(list(label = as.character(predict(model, data))))
    found <- predict(model, data, probability = TRUE)
    of_classes(attr(found, "probabilities")[, model$levels, drop = FALSE], model$levels, found)
  }),
  naiveBayes = function(model, data, threads) {
    of_classes(predict(model, data, type = "raw"), model$levels, predict(model, data, type = "class"))
  },
  nnet = function(model, data, threads) complete_only(data, function(data) {
    found <- predict(model, data, type = "raw")
    if (is.null(model$lev)) return(numbers(found))
    if (length(model$lev) == 2L) of_two(as.vector(found), model$lev) else of_classes(found, model$lev)
  }),
  multinom = function(model, data, threads) complete_only(data, function(data) {
    found <- predict(model, data, type = "probs")
    if (length(model$lev) == 2L) of_two(as.vector(found), model$lev) else of_classes(found, model$lev)
  }),
  lda = function(model, data, threads) complete_only(data, function(data) {
    found <- predict(model, if (is.null(model$terms)) as.matrix(data) else data)
    of_classes(found$posterior, model$lev, found$class)
  }),
  polr = function(model, data, threads) complete_only(data, function(data) {
    of_classes(predict(model, data, type = "probs"), model$lev)
  }),
  cv.glmnet = function(model, data, threads) complete_only(data, function(data) {
    found <- predict(model, as.matrix(data), s = "lambda.1se", type = "response")
    if (is.null(model$glmnet.fit$classnames)) return(numbers(as.vector(found)))
    names <- model$glmnet.fit$classnames
    if (length(names) == 2L) of_two(as.vector(found), names) else of_classes(matrix(found, nrow(data)), names)
  })
)
answers_of[c("aov", "rlm", "mlm")] <- answers_of["lm"]
answers_of[c("gam", "negbin")] <- answers_of["glm"]
answers_of["qda"] <- answers_of["lda"]

# ---- the process ----

require_packages <- function(wanted) {
  for (each in wanted) {
    name <- sub("==.*", "", each)
    if (suppressWarnings(require(name, character.only = TRUE, quietly = TRUE))) next
    stop("The base image has no R package ", name, ". Add to its Dockerfile: RUN apt-get update && apt-get install -y ",
      "--no-install-recommends r-cran-", tolower(name), call. = FALSE)
  }
}

answer <- function(model, setup, from) {
  data <- data_of(lapply(seq_len(read_numbers(from)), function(place) read_column(from)), setup, model)
  check_levels(model, data)
  kind <- setdiff(class(model), grep("[.]formula$", class(model), value = TRUE))[1L]
  as_frame(answers_of[[kind]](model, data, setup$threads))
}

set_up <- function(from) {
  count <- read_numbers(from)
  setup <- list(names = read_texts(from, count), kinds = read_texts(from, count))
  setup$levels <- lapply(seq_len(count), function(place) read_texts(from, read_numbers(from)))
  setup$threads <- read_numbers(from)
  setup
}

said <- function(status, problem) c(as_numbers(status), as_texts(conditionMessage(problem)))

main <- function(file, packages) {
  questions <- file("stdin", "rb")
  answers <- file("/dev/stdout", "wb", raw = TRUE)
  sink(stderr())
  options(warn = -1L)
  say <- function(frame) {
    writeBin(c(as_numbers(length(frame)), frame), answers)
    flush(answers)
  }
  ask <- function() {
    length <- read_numbers(questions)
    if (length(length)) rawConnection(readBin(questions, "raw", length)) else NULL
  }
  tried <- function(action) {
    tryCatch(action(), refused = function(problem) said(1L, problem), error = function(problem) said(2L, problem))
  }
  from <- ask()
  if (is.null(from)) return(invisible())
  setup <- set_up(from)
  close(from)
  model <- NULL
  say(tried(function() {
    require_packages(packages)
    model <<- readRDS(file)
    as_frame(list())
  }))
  while (!is.null(from <- ask())) {
    say(tried(function() answer(model, setup, from)))
    close(from)
  }
}

arguments <- commandArgs(trailingOnly = TRUE)
main(arguments[1L], arguments[-1L])
