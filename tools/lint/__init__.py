# SPDX-License-Identifier: Apache-2.0
"""The rules of the house, each a module with one check."""
