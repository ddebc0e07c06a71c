# SPDX-License-Identifier: Apache-2.0
"""The oracle of Sealpost's verdicts: the rules once more, in Python, and random facts to compare with."""
