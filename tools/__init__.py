# SPDX-License-Identifier: Apache-2.0
"""Programs that developers run."""
