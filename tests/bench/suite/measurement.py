"""What one measure at one peer found out."""


class Measurement:
    """Collects the numbers and raw reports of one measure at one peer."""

    def __init__(self):
        self.metrics, self.raw, self.failures = {}, {}, []

    def keep(self, name, report):
        """Remembers a raw report, and that flows failed in it."""
        self.raw[name] = report
        lost = report.get("failed", 0) or report.get("sent", 0) - report.get("answered", 0)
        if lost:
            self.failures.append(f"{name}: {lost} failed: {report.get('first_error', 'no answer')}")
        return report
