"""What is of the paper alone: Table 1, and the trainings and figures of its illustrations."""
