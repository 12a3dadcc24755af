"""Waiting for something to become true, never for time to pass."""

import time


def wait_until(condition, timeout_s=10.0, what="the condition", step_s=0.01):
    """Asks until `condition()` is truthy and returns that value; says `what` when it never was."""
    deadline = time.monotonic() + timeout_s
    while True:
        outcome = condition()
        if outcome:
            return outcome
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:g} s: {what}")
        time.sleep(step_s)
