# One case of the survival benchmarks in R: Rscript survival_case.R CASE FOLDER REPEATS
# Prints CPU and elapsed seconds of each repeat, the peak of resident memory, and the figures to be compared.
suppressPackageStartupMessages(library(survival))
arguments <- commandArgs(TRUE)
case <- arguments[1]; folder <- arguments[2]; repeats <- as.integer(arguments[3])
column <- function(name) {
  file <- file.path(folder, paste0(name, ".f64"))
  readBin(file, "double", file.info(file)$size / 8)
}
frame <- function(...) { names <- c(...); as.data.frame(sapply(names, column, simplify = FALSE)) }
x5 <- paste0("x", 0:4); x20 <- paste0("x", 0:19)
right <- function(x) as.formula(paste("Surv(stop, event) ~", paste(x, collapse = "+")))
days <- c(90, 365, 730, 1000)
of_fit <- function(fit) c(coef(fit), sqrt(diag(vcov(fit))))
switch(case,
  empty = { work <- function() 0 },
  cox_5 = { d <- frame("stop", "event", x5); work <- function() of_fit(coxph(right(x5), d)) },
  cox_20 = { d <- frame("stop", "event", x20); work <- function() of_fit(coxph(right(x20), d)) },
  cox_5_clustered = { d <- frame("stop", "event", "dept", x5); work <- function() of_fit(coxph(right(x5), d, cluster = dept)) },
  cox_20_clustered = { d <- frame("stop", "event", "dept", x20); work <- function() of_fit(coxph(right(x20), d, cluster = dept)) },
  cox_varying_clustered = {
    d <- frame("tv_start", "tv_stop", "tv_event", "tv_treated", "tv_dept", paste0("x", 0:3))
    f <- Surv(tv_start, tv_stop, tv_event) ~ tv_treated + x0 + x1 + x2 + x3
    work <- function() of_fit(coxph(f, d, cluster = tv_dept))
  },
  kaplan_meier = {
    d <- frame("stop", "event")
    work <- function() {
      s <- summary(survfit(Surv(stop, event) ~ 1, d, conf.type = "log-log"), times = days)
      c(s$surv, s$std.err, s$lower, s$upper)
    }
  },
  logrank = {
    d <- frame("stop", "event", "arm")
    work <- function() { s <- survdiff(Surv(stop, event) ~ arm, d); c(s$chisq, s$exp) }
  },
  aalen_johansen = {
    d <- frame("stop", "cause")
    work <- function() {
      s <- summary(survfit(Surv(stop, factor(cause, 0:2)) ~ 1, d), times = days)
      c(s$pstate[, 2:3], s$std.err[, 2:3])
    }
  },
  fine_gray = {
    d <- frame("stop", "cause", x5)
    d$cause <- factor(d$cause, 0:2); d$row <- seq_len(nrow(d))
    work <- function() {
      long <- finegray(Surv(stop, cause) ~ ., d, etype = "1")
      f <- as.formula(paste("Surv(fgstart, fgstop, fgstatus) ~", paste(x5, collapse = "+")))
      coef(coxph(f, long, weights = fgwt))
    }
  }
)
cpu <- elapsed <- numeric(0)
for (i in seq_len(repeats)) {
  used <- system.time(figures <- work())
  cpu <- c(cpu, used[[1]] + used[[2]]); elapsed <- c(elapsed, used[[3]])
}
status <- readLines("/proc/self/status")
peak <- as.numeric(gsub("[^0-9]", "", grep("^VmHWM", status, value = TRUE))) / 1024
json <- function(x) paste0("[", paste(format(as.numeric(x), digits = 17, trim = TRUE), collapse = ","), "]")
cat(sprintf('{"cpu": %s, "elapsed": %s, "peak_mb": %.1f, "figures": %s}\n', json(cpu), json(elapsed), peak, json(figures)))
