"""Every bound that a server can run into, with its reason. No I/O here.

Sizes are octets, times are seconds unless the name says otherwise. A server that goes past one of
them gets its connection closed and the caller a `LimitExceeded` that names it.
"""

from __future__ import annotations

from typing import Final

# Before login a server has nothing long to say: the longest greeting or capability line seen in
# the field is below 2 KiB, and a SASL challenge of 12 KiB is what Cyrus' buffers allow.
LOGIN_LINE_BYTES: Final = 16 * 1024

# A reply to CAPABILITY, STARTTLS or AUTHENTICATE is one to three untagged lines.
LOGIN_UNTAGGED_LINES: Final = 64

# All that a server may say from connect to login: 20 times what a chatty one says.
LOGIN_TOTAL_BYTES: Final = 256 * 1024

# A capability list has 30 to 60 entries.
CAPABILITIES: Final = 512

# GSSAPI needs four rounds, SCRAM two; a server that goes on is not authenticating.
SASL_ROUNDS: Final = 16

# RFC 7677 section 4: fewer make the password cheap to guess for whoever has seen the exchange.
SCRAM_MIN_ITERATIONS: Final = 4096

# 1.5 times the highest advice in use (1,300,000 of SHA-1): 0.8 to 1.5 s of a thread's time.
SCRAM_MAX_ITERATIONS: Final = 2_000_000

# One line after login: an ESEARCH-less SEARCH of a mailbox with a million messages is 7 MB.
LINE_BYTES: Final = 16 * 1024 * 1024

# One literal. Providers cap messages at 25 to 150 MB.
LITERAL_BYTES: Final = 256 * 1024 * 1024

# One answer, all its lines and literals: what a single command may make us hold.
ANSWER_BYTES: Final = 512 * 1024 * 1024

# Lines of one answer: FETCH 1:1000000 (FLAGS) is the largest that anybody waits for.
ANSWER_LINES: Final = 2_000_000

# Pushes that the program has not taken from an IDLE yet; a mailbox sends a handful a minute.
PUSHED_BYTES: Final = 4 * 1024 * 1024

# Characters of a server's words that go into one of our messages.
WORDS_CHARS: Final = 300

# Certificates a server may send; real chains have two to four (OpenSSL itself stops at 100 KiB).
CHAIN_CERTIFICATES: Final = 20

# Names in one certificate that we compare; the largest public ones have about 250.
CERTIFICATE_NAMES: Final = 2_000
