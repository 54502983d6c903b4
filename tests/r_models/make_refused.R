# Makes the objects in files/refused/, which no model is made like: Rscript make_refused.R
dir.create("files/refused", showWarnings = FALSE)
model <- lm(mpg ~ wt, mtcars)
refused <- function(name, object) saveRDS(object, file.path("files", "refused", paste0(name, ".rds")), compress = "xz")

variables <- new.env()
makeActiveBinding("wt", function() 1, variables)
changed <- model
attr(changed$terms, ".Environment") <- variables
refused("active", changed)

changed <- model
attr(changed$terms, "predvars") <- quote(list(mpg, system("id")))
refused("system", changed)
attr(changed$terms, "predvars") <- quote(list(mpg, base::eval(parse(text = "1"))))
refused("eval", changed)
refused("stranger", structure(unclass(model), class = c("lm_of_mine", "lm")))
refused("table", lm(mtcars$mpg ~ mtcars$wt))
refused("time", lm(y ~ at, data.frame(at = as.POSIXct("2024-01-01", tz = "UTC") + 1:9, y = 1:9)))
refused("nothing", lm(mpg ~ 1, mtcars))

library(e1071)
cars <- transform(mtcars, shift = factor(am), gears = factor(gear))
refused("svm_of_factor", svm(gears ~ wt + shift, cars))
library(randomForest)
cars$size <- factor(cut(cars$wt, 3, labels = c("s", "m", "l")), ordered = TRUE)
refused("forest_of_ordered", randomForest(mpg ~ size + wt, cars, ntree = 2))
