"""``python -m mentorship_eval.cli``."""

from mentorship_eval.cli.program import main

if __name__ == "__main__":
    main()
