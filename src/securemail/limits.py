"""Every bound that a server can run into, with its reason. No I/O here.

Sizes are octets. A server that goes past one of them gets its connection closed and the caller a
`LimitExceeded` with its value; a certificate with too many names is refused as malformed.
"""

from __future__ import annotations

from typing import Final

# Before login a server has nothing long to say: the longest greeting or capability line seen in
# the field is below 2 KiB, and a SASL challenge of 12 KiB is what Cyrus' buffers allow.
LOGIN_LINE_BYTES: Final = 16 * 1024

# A reply to CAPABILITY, STARTTLS or AUTHENTICATE is one to three untagged lines.
LOGIN_UNTAGGED_LINES: Final = 64

# The head of a proxy's answer to CONNECT: real ones are below 1 KiB, with a cookie or two 4 KiB. It
# is read octet by octet, 8 KiB in 30 ms.
PROXY_HEAD_BYTES: Final = 8 * 1024

# All that a server may say from connect to login: 20 times what a chatty one says.
LOGIN_TOTAL_BYTES: Final = 256 * 1024

# A capability list has 30 to 60 entries.
CAPABILITIES: Final = 512

# RFC 5321 section 4.5.3.1.4: a command of SMTP, its CRLF included. AUTH has no more (RFC 4954).
COMMAND_BYTES: Final = 512

# A reply after login, all its lines; the longest seen in the field are replies to EHLO below 2 KiB.
REPLY_BYTES: Final = 32 * 1024

# How long the reply to the end of the data may take, in seconds (RFC 5321 section 4.5.3.2.6).
# Whoever gives up earlier sends mail twice.
DATA_REPLY_S: Final = 600.0

# Octets in a line of a message without its CRLF (RFC 5321 section 4.5.3.1.6); servers break longer
# ones where they like.
MESSAGE_LINE_BYTES: Final = 998

# What EHLO says before TLS, and after it unless the account names something: what stands there ends
# up in the header of every message, and is nobody's business.
NEUTRAL_NAME: Final = "[127.0.0.1]"

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

# What a server may say in an answer beside the messages that were asked for with a limit of their
# own: mail that comes, flags that others change, 16,000 of them.
BESIDE_BYTES: Final = 1024 * 1024

# Lines of one answer: FETCH 1:1000000 (FLAGS) is the largest that anybody waits for.
ANSWER_LINES: Final = 2_000_000

# Pushes that the program has not taken from an IDLE yet; a mailbox sends a handful a minute.
PUSHED_BYTES: Final = 4 * 1024 * 1024

# What one line or push costs beside its octets: a server that pushes empty lines fills memory too.
LINE_OVERHEAD_BYTES: Final = 128

# Ciphertext that waits for a server which makes OpenSSL answer (HelloRequest, KeyUpdate) and does
# not read: a large message of our own never waits as ciphertext, it waits as plaintext.
UNREAD_BYTES: Final = 1024 * 1024

# What compressed IMAP (RFC 4978) may inflate to: this much in the life of a session, whatever was
# sent, for a message of zeros as large as providers take them; and this many octets for each octet
# that was sent, ten times what text gives.
INFLATED_CREDIT_BYTES: Final = 64 * 1024 * 1024
INFLATED_RATIO: Final = 100

# A command line of POP3, its CRLF included (RFC 2449 section 4). A token does not fit into one.
POP3_COMMAND_BYTES: Final = 255

# A status line of POP3 after login. RFC 2449 section 4 has 512, servers with long words more.
POP3_STATUS_BYTES: Final = 8 * 1024

# The answer to LIST, UIDL or LANG: UIDL of a million messages is 40 to 80 MB.
POP3_LISTING_BYTES: Final = 128 * 1024 * 1024

# RETRs on their way at once. At 100 ms and 20 KiB each, 32 are 50 Mbit/s; the commands, 15 bytes
# each, are too few for a server that does not read to stop us.
POP3_WINDOW: Final = 32

# Whole messages that retr_many() holds until the program takes them; from here on the socket is
# left alone.
POP3_WAITING_BYTES: Final = 4 * 1024 * 1024

# Characters of a server's words that go into one of our messages.
WORDS_CHARS: Final = 300

# Names in one certificate that we compare; the largest public ones have about 250.
CERTIFICATE_NAMES: Final = 2_000

# TLSA records of one server that are compared; a roll-over of keys and algorithms has four or six.
TLSA_RECORDS: Final = 32

# One stapled OCSP response: 0.5 to 3 KiB in the field. OpenSSL takes no more in TLS 1.2.
STAPLE_BYTES: Final = 16 * 1024

# Certificates in it that are looked at for the signer's; one is all that makes sense.
STAPLE_CERTIFICATES: Final = 4

# How far the clocks of a responder and a client may be apart, in seconds; OpenSSL's own tool has
# the same.
CLOCK_SKEW_S: Final = 300

# RFC 9325 section 4.5: shorter RSA keys are within reach. OpenSSL's security level 2 says the same.
RSA_BITS: Final = 2048

# The same section: curves of less than that must not be used.
CURVE_BITS: Final = 224

# Questions that one look-up may need: a chain of keys is two per label, an alias may need another.
DNS_QUESTIONS: Final = 96

# Aliases in a row; resolvers give up after 8 to 16.
DNS_ALIASES: Final = 10

# Signatures verified in one look-up: 0.1 to 0.5 ms each. Five zones and an absence take 16.
DNS_VERIFICATIONS: Final = 200

# Of them in vain. An honest zone has none, or one where two keys share a tag; with this bound the
# answers of CVE-2023-50387 (KeyTrap: hours of work in one packet) cost milliseconds.
DNS_FAILURES: Final = 8

# Signatures on one set of records that are looked at; a roll-over of algorithm and key has four.
DNS_SIGNATURES: Final = 8

# Keys of a zone with the same tag that are tried: two are rare, and are chance.
DNS_KEYS_PER_TAG: Final = 4

# Names and keys hashed in one look-up (CVE-2023-50868): an absence takes one per label, and two.
DNS_HASHES: Final = 128

# NSEC and NSEC3 records of one answer; the longest honest proof has three.
DNS_DENIALS: Final = 12

# Above it a zone counts as unsigned (RFC 9276 section 3.2, which wants 0 and no more).
NSEC3_ITERATIONS: Final = 50

# For how long an answer is kept at most, in seconds.
DNS_TTL_S: Final = 24 * 3600

# RSA keys of a zone (RFC 3110, RFC 5702): the exponent is the work to verify, and 3 octets in use.
RSA_EXPONENT_BYTES: Final = 8
RSA_MIN_BYTES: Final = 1024 // 8
RSA_MAX_BYTES: Final = 4096 // 8

# How long one resolver may take to one question, in seconds, and how often each is asked.
DNS_TRY_S: Final = 3.0
DNS_ROUNDS: Final = 2

# How long a look-up may take as a whole, with all the questions that it needs.
DNS_LOOKUP_S: Final = 15.0

# Answers that a resolver keeps, the records of one that is kept, and the messages behind them.
DNS_CACHED: Final = 512
DNS_CACHED_RECORDS: Final = 64
DNS_CACHED_MESSAGES: Final = 256
# Servers in the answer to one SRV query; the largest providers list a handful. Those with the best
# priorities are kept.
SRV_RECORDS: Final = 128

# A configuration file of a provider; the longest in Thunderbird's database are below 16 KiB.
AUTOCONFIG_BYTES: Final = 256 * 1024

# Elements in such a file, and how deep they lie in each other: a provider's has 60, five deep.
AUTOCONFIG_ELEMENTS: Final = 2_000
AUTOCONFIG_DEPTH: Final = 16

# Servers that are taken from such a file, each way.
AUTOCONFIG_SERVERS: Final = 32

# Redirections that are followed on the way to such a file.
AUTOCONFIG_REDIRECTS: Final = 3

# For how long a session may be resumed after the full handshake that it goes back to, in seconds: a
# server that changes its ticket keys each day gives half of that (RFC 9325 section 3.4).
RESUMPTION_S: Final = 12 * 3600

# For how long nothing is resumed with a server that broke a resumed handshake, and nothing assumed
# of one that broke a login for which that was done, in seconds.
RESUMPTION_BARRED_S: Final = 3600

# Servers, one for each account and service, with which something may be resumed; 1.5 KiB each.
RESUMABLE_SERVERS: Final = 4096

# What is remembered that one of them can do, in memory: a hundred names. A login takes what it is
# told, up to `LOGIN_TOTAL_BYTES`; that, for each account of a fleet, would be a gigabyte.
REMEMBERED_BYTES: Final = 16 * 1024

# Sessions that are kept for each of them: one is left behind by each connection, and a client that
# has more than a few connections to one server opens them one after another.
RESUMABLE_PER_SERVER: Final = 4

# Failures that a pool remembers, one for each account and service, 1 to 3 KiB each: more than one
# process has in use. Those that nobody has asked for the longest are forgotten, and may try again.
POOL_FAILURES: Final = 16_384

# Ranges of UIDs that a cursor keeps for a server without QRESYNC; 8 octets each in memory, 13 as
# text. A mailbox of 100,000 messages with every second one deleted has 50,000.
CURSOR_RANGES: Final = 100_000

# Unique ids of a POP3 mailbox that a cursor keeps, as digests of 8 octets.
CURSOR_UNIQUE_IDS: Final = 1_000_000

# Mailboxes that one connection watches: Dovecot takes no more names in one NOTIFY, and whoever has
# more divides them among several watches.
WATCHED_MAILBOXES: Final = 100

# One command that names all of them: what servers are asked to take is 8,192 octets (RFC 7162
# section 4). With longer names the mailboxes are polled.
NOTIFY_BYTES: Final = 8000

# Messages that are numbered one by one in what a server pushes at once; with more, the mailbox is
# searched anew, which costs less.
NUMBERED_AT_ONCE: Final = 64
# Characters of a text in an account that is stored: a sentence by which a person took a risk.
STORED_TEXT_CHARS: Final = 4096

# Characters of certificates in PEM or base64; the authorities of an operating system have 300,000.
STORED_LONG_CHARS: Final = 2 * 1024 * 1024

# Entries of a list in an account that is stored: addresses, mechanisms, pins, a chain.
STORED_ENTRIES: Final = 64

# Accounts in one file of JSON or TOML, and its characters: 10,000 accounts have 7 million.
ACCOUNT_FILE_ACCOUNTS: Final = 100_000
ACCOUNT_FILE_CHARS: Final = 64 * 1024 * 1024

# Dots in one line of TOML, outside of its texts: what a key of so many parts costs grows with the
# square of them. Our own files have one.
TOML_DOTS: Final = 32

# How long the store waits for another program that writes, in seconds.
STORE_BUSY_S: Final = 5.0

# How many days before a client certificate ends its owner is told: those who issue them by hand
# take a week or two.
CERTIFICATE_WARNING_DAYS: Final = 30
