# SPDX-License-Identifier: Apache-2.0
"""Tests of Sealpost from outside, and the lab they run in."""
