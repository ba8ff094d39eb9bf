"""The rows of the generated population, as statements that the server makes them with.

Each statement makes the rows from number `$1` up to number `$2`; there are `$3` users and `$4` rows in all, and `$5` is
the password hash. A row's values follow from its number.
"""

from dataclasses import dataclass

SUPERUSERS, REVOCATIONS = 20, 100
ADDRESS_OF_NUMBER = "person{number}@mail.example.com"

FUNCTIONS = """
CREATE OR REPLACE FUNCTION pg_temp.draw(number bigint, salt int) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8extended(number, salt) & 1073741823) / 1073741824.0 $$;

CREATE OR REPLACE FUNCTION pg_temp.moment(number bigint, rows bigint) RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT date_trunc('day', now()) - interval '1095 days' * (1 - number / (rows + 1.0)) $$;

CREATE OR REPLACE FUNCTION pg_temp.uuid7(number bigint, rows bigint, salt int) RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT (lpad(to_hex((extract(epoch FROM pg_temp.moment(number, rows)) * 1000)::bigint), 12, '0') || '7'
    || lpad(to_hex(hashint8extended(number, salt) & 4095), 3, '0')
    || to_hex(8 + (hashint8extended(number, salt + 1) & 3))
    || lpad(to_hex(hashint8extended(number, salt + 2) & 1152921504606846975), 15, '0'))::uuid $$;
"""

_FIRST = (
    "Maria James Wei Fatima Ivan Anna Jose Mohammed Li Elena John Olga Carlos Aisha Peter Yuki Sofia Ahmed Priya "
    "David Nina Jan Laura Omar Chloe Raj Emma Lucas Zoe Hugo Ines Tom Ana Felix Leila Marco Ingrid Pavel Ruth "
    "Noah Grace Ali Eva Samuel Hana Viktor Clara Diego Amara Sven"
)
_LAST = (
    "Wang Smith Silva Kumar Garcia Ivanov Müller Nguyen Khan Kim Rossi Sato Jones Martin Novak Ali Lopez Schmidt "
    "Chen Brown Petrov Haddad Okafor Larsen Costa Fischer Dubois Weber Moreno Suzuki Patel Walker Bianchi Hansen "
    "Popescu Yilmaz Kaya Jansen Horvat Nowak Lindqvist Mbeki Castro Ferrari Becker Virtanen Papadopoulos Byrne "
    "Osei Quispe Abebe Tanaka Andersson Moreau Santos Keller Dimitrov Farah Iyer Ogawa Zhang Reyes Adeyemi Vargas "
    "Kovacs Bakker Rahman Sousa Ito Berg"
)

_USERS = f"""
INSERT INTO users (id, email, email_normalized, username, full_name, hashed_password, is_active, is_superuser,
    email_verified_at, credential_epoch, created_at, updated_at, last_login_at)
SELECT pg_temp.uuid7(n, $4, 10), name || '@' || domain, name || '@' || domain,
    CASE WHEN n % 2 = 0 THEN 'user' || n END, first || ' ' || last, $5, pg_temp.draw(n, 5) >= 0.02,
    n % greatest($3 / {SUPERUSERS}, 1) = 7,
    CASE WHEN pg_temp.draw(n, 6) < 0.8 THEN pg_temp.moment(n, $4) + interval '5 minutes' END, 1,
    pg_temp.moment(n, $4), pg_temp.moment(n, $4) + interval '1 hour', pg_temp.moment(n, $4) + interval '1 hour'
FROM (
    SELECT n, first, last, CASE WHEN n <= 1000 THEN 'person'
            ELSE replace(replace(lower(first || '.' || last), 'ü', 'u'), '-', '.') END || n AS name,
        CASE WHEN pg_temp.draw(n, 7) < 0.45 OR n <= 1000 THEN 'mail.example.com'
            WHEN pg_temp.draw(n, 7) < 0.65 THEN 'post.example.org'
            WHEN pg_temp.draw(n, 7) < 0.75 THEN 'work.example.net'
            ELSE 'team' || floor($3 / 200.0 * pg_temp.draw(n, 8) ^ 2) || '.example.com' END AS domain
    FROM (
        SELECT n, ('{{{_FIRST.replace(" ", ",")}}}'::text[])[1 + floor(50 * pg_temp.draw(n, 1) ^ 2)] AS first,
            ('{{{_LAST.replace(" ", ",")}}}'::text[])[1 + floor(70 * pg_temp.draw(n, 2) ^ 2)]
            || CASE WHEN pg_temp.draw(n, 3) < 0.3 THEN ''
                ELSE '-'
                || ('{{{_LAST.replace(" ", ",")}}}'::text[])[1 + floor(70 * pg_temp.draw(n, 4))] END AS last
        FROM generate_series($1::bigint, $2::bigint) AS n
    ) AS named
) AS people
"""  # noqa: S608 - nothing but words from above
_TERMS = """
INSERT INTO user_search_terms (term, created_at, user_id)
SELECT DISTINCT term, created_at, id
FROM users, generate_series($1::bigint, $2::bigint) AS n, LATERAL (
    VALUES (email_normalized), (split_part(email_normalized, '@', 2)), (username),
        (translate(lower(split_part(full_name, ' ', 1)), 'ü', 'u')),
        (translate(lower(split_part(full_name, ' ', 2)), 'ü', 'u'))
) AS terms (term)
WHERE id = pg_temp.uuid7(n, $3, 10) AND term IS NOT NULL AND $4::bigint > 0 AND $5::text <> ''
"""
_ITEMS = """
INSERT INTO items (id, owner_id, title, description, price, created_at, updated_at)
SELECT pg_temp.uuid7(n, $4, 20), pg_temp.uuid7(1 + floor($3::bigint * pg_temp.draw(n, 11) ^ 2)::bigint, $3, 10),
    'Item ' || n, CASE WHEN n % 3 > 0 THEN repeat('Something that somebody owns. ', 1 + (n % 5)::int) END,
    CASE WHEN n % 4 > 0 THEN round((1000 * pg_temp.draw(n, 12))::numeric, 2) END,
    pg_temp.moment(n, $4), pg_temp.moment(n, $4)
FROM generate_series($1::bigint, $2::bigint) AS n WHERE $5::text <> ''
"""
_SESSIONS = """
INSERT INTO sessions (id, user_id, client_id, credential_epoch, scopes, audiences, amr, network, user_agent, created_at,
    last_used_at, idle_expires_at, expires_at, ended_at, refresh_locator, current_digest, previous_digest, rotated_at,
    derivation_key_id)
SELECT pg_temp.uuid7(n, $4, 30), pg_temp.uuid7(1 + floor($3::bigint * pg_temp.draw(n, 21))::bigint, $3, 10),
    'client_first_party', 1, '["items:read", "items:write", "profile:read", "profile:write"]',
    '["https://auth.example.com", "https://orders.example.com"]', '["pwd"]',
    '10.' || n % 199 || '.' || n % 251 || '.' || n % 241, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0',
    opened, used, CASE WHEN is_over THEN now() ELSE used + interval '14 days' END, opened + interval '90 days',
    CASE WHEN is_over THEN now() END, left(md5('locator ' || n), 22), sha256(('current ' || n)::bytea),
    CASE WHEN used > opened THEN sha256(('previous ' || n)::bytea) END, CASE WHEN used > opened THEN used END,
    CASE WHEN used > opened THEN left(md5('key'), 16) END
FROM (
    SELECT n, pg_temp.draw(n, 22) < 0.2 AS is_over, now() - interval '60 days' * pg_temp.draw(n, 23) AS opened,
        greatest(now() - interval '60 days' * pg_temp.draw(n, 23),
            now() - interval '13 days' * pg_temp.draw(n, 24)) AS used
    FROM generate_series($1::bigint, $2::bigint) AS n
) AS opened_sessions
WHERE $5::text <> ''
"""
_EVENTS = """
INSERT INTO audit_events (id, occurred_at, event, outcome, actor_id, subject_id, client_id, network, request_id, detail)
SELECT pg_temp.uuid7(n, $4, 40), pg_temp.moment(n, $4), kind,
    CASE WHEN pg_temp.draw(n, 31) < 0.05 THEN 'failure' ELSE 'success' END, person, person,
    'client_first_party', '10.' || n % 199 || '.' || n % 251 || '.' || n % 241, md5(n::text), '{}'
FROM (
    SELECT n, CASE WHEN pg_temp.draw(n, 32) < 0.6 THEN 'sign_in'
            WHEN pg_temp.draw(n, 32) < 0.9 THEN 'session.ended'
            WHEN pg_temp.draw(n, 32) < 0.99 THEN 'user.updated'
            WHEN pg_temp.draw(n, 32) < 0.9999 THEN 'password.changed'
            ELSE 'user.deleted' END AS kind,
        pg_temp.uuid7(1 + floor($3::bigint * pg_temp.draw(n, 33))::bigint, $3, 10) AS person
    FROM generate_series($1::bigint, $2::bigint) AS n
) AS happened
WHERE $5::text <> ''
"""
_THROTTLES = """
INSERT INTO throttle_counters (key, count, expires_at)
SELECT encode(sha256(('familiar ' || n)::bytea), 'hex'), 1,
    now() + interval '1 day' + interval '29 days' * pg_temp.draw(n, 41)
FROM generate_series($1::bigint, $2::bigint) AS n WHERE $3::bigint > 0 AND $4::bigint > 0 AND $5::text <> ''
"""
_ONE_TIME_TOKENS = """
INSERT INTO single_use_tokens (digest, purpose, user_id, credential_epoch, email, created_at, expires_at)
SELECT sha256(('token ' || n)::bytea), 'verify-email', pg_temp.uuid7(n, $3, 10), 1, 'person' || n || '@example.com',
    now(), now() + interval '1 day'
FROM generate_series($1::bigint, $2::bigint) AS n WHERE $4::bigint > 0 AND $5::text <> ''
"""
_REVOCATIONS = """
INSERT INTO revocations (seq, kind, digest, before)
SELECT n, 'sid', left(encode(sha256(n::text::bytea), 'hex'), 43), now() + interval '30 seconds'
FROM generate_series($1::bigint, $2::bigint) AS n WHERE $3::bigint > 0 AND $4::bigint > 0 AND $5::text <> ''
"""


@dataclass(frozen=True, slots=True)
class GeneratedTable:
    """How many rows a table gets: for each user, or at all."""

    name: str
    what: str
    insert: str
    per_user: float = 0
    rows: int = 0


TABLES = (
    GeneratedTable("users", "users", _USERS, per_user=1),
    GeneratedTable("user_search_terms", "users with search terms", _TERMS, per_user=1),
    GeneratedTable("items", "items", _ITEMS, per_user=2),
    GeneratedTable("sessions", "sessions", _SESSIONS, per_user=1.25),
    GeneratedTable("audit_events", "audit events", _EVENTS, per_user=3),
    GeneratedTable("throttle_counters", "throttle counters", _THROTTLES, per_user=1),
    GeneratedTable("single_use_tokens", "one-time tokens", _ONE_TIME_TOKENS, per_user=0.05),
    GeneratedTable("revocations", "revocations", _REVOCATIONS, rows=REVOCATIONS),
)
