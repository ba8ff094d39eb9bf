"""Writes the package's list of common passwords: `python -m tests.support.common_passwords`.

What people choose is well known: a handful of words, names, teams and heroes, with a few digits behind them; walks
over the keyboard; one sign again and again. A test sees to it that the shipped file is what this writes.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from auth_service.security.text import folded

SHIPPED = Path(__file__).parents[2] / "auth_service" / "authenticators" / "common_passwords.txt"
SHORTEST = 8  # no setting takes shorter ones
HEADER = """\
# The passwords that are guessed first, one a line, in lower case: new passwords are compared with them in any case.
# Made by tests/support/common_passwords.py: add words there and run it. An operator's own passwords go into a file of
# the same format, which AUTH_PASSWORD_POLICY__BLOCKLIST_FILE names. A line that begins like this one is a comment.
"""
# ruff: noqa: SIM905 - a literal list of so many words is a column of quotes
WORDS = """
password passw0rd p@ssw0rd p@ssword pa55word pass passwort motdepasse contrasena senha parola wachtwoord haslo
secret secure security letmein welcome admin administrator root superuser sysadmin user guest test tester
testing demo default changeme login master access temp temporary hello qwerty qwertz azerty asdf asdfgh zxcvbn
qazwsx abc abcd abcdef trustno1 iloveyou loveyou ilove lovely love lover forever sweetheart babygirl babyboy
baby angel princess prince queen king sunshine flower butterfly rainbow moonlight summer winter spring autumn
monday friday sunday january december november dragon monkey tiger lion eagle falcon panther bear wolf cat dog
puppy kitty kitten horse dolphin chicken turtle rabbit buster bailey maggie lucky shadow ginger pepper cookie
cheese banana apple orange peach cherry chocolate coffee pizza football soccer baseball basketball hockey tennis
golf rugby cricket liverpool arsenal chelsea barcelona realmadrid manchester juventus yankees cowboys steelers
lakers eagles packers redsox raiders rangers dallas chicago london berlin paris madrid canada australia america
england france germany brazil india mexico poland russia superman batman spiderman ironman hulk starwars
startrek pokemon pikachu naruto mario zelda minecraft fortnite matrix gandalf merlin wizard magic phantom hunter
killer ninja samurai warrior soldier ranger marine scorpion viper cobra mustang ferrari porsche corvette camaro
harley yamaha mercedes toyota honda nissan jaguar bmw audi michael jennifer jessica ashley michelle daniel david
andrew joshua matthew christopher anthony thomas robert charlie jordan thunder hannah amanda nicole samantha
elizabeth victoria alexander alexandra alejandro alejandra alberto carlos fernando francisco eduardo gabriel
gabriela isabella sophia olivia emily emma jacob william benjamin nicholas jonathan patrick richard steven
brandon justin austin taylor tyler martin oliver george harry jack james john peter paul maria anna laura sarah
sandra barbara patricia andrea martina monika claudia natasha svetlana vladimir sergey dmitry computer internet
google facebook windows linux samsung nokia apple123 iphone android server network system database whatever
nothing something anything everything blessed jesus christ heaven faith grace freedom liberty peace destiny
money dollar diamond crystal silver golden platinum purple yellow orange green black white blue music guitar
drummer metallica nirvana eminem slipknot blink182 beatles rockstar rocknroll dancer dancing gangster player
gamer trouble fuckyou fuckoff asshole bitch sexy pussy naked hottie playboy cowboy cowgirl camping fishing
hunting scooter snoopy tinker tigger winnie mickey minnie donald garfield scooby barney simpson bubbles peanut
pumpkin marshmallow cupcake
""".split()
ENDINGS = ["", "1", "12", "123", "1234", "12345", "123456", "!", "1!", "123!", "01", "69", "2024", "2025", "2026"]
ROWS = ["1234567890", "0987654321", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "yxcvbnm"]
COLUMNS = ["1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "qaz", "wsx", "edc", "rfv", "zaq1", "xsw2", "cde3"]
PIECES = [
    "12",
    "123",
    "1234",
    "321",
    "456",
    "789",
    "147",
    "258",
    "369",
    "159",
    "357",
    "abc",
    "qwe",
    "asd",
    "zxc",
    "qwer",
]
KNOWN = """
1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4 q1w2e3r4t5 1a2b3c4d a1b2c3d4 abcd1234 1234abcd abc12345 12345abc
abc123abc 123qweasd 123qweasdzxc qweasdzxc qwe123qwe qwe123asd asd123asd zxc123zxc qwer1234 1234qwer asdf1234
1234asdf zxcv1234 asdfqwer asdfjkl; qwerasdf qwerasdfzxcv qwertyui qwertyuio asdfghjk zxcvbnm1 qazwsxedc
qazwsxedcrfv 1qazxsw2 zaq12wsx zaq1xsw2 1qaz2wsx3edc !qaz2wsx 1qaz@wsx q1q1q1q1 a1a1a1a1 aa123456 a1234567
a12345678 a123456789 123456789a 1234567a 12345678a 12345678q 123456aa q1234567 qq123456 123456qq z1234567
abcdefgh abcdefghi abcdefghij abcdefg1 abcdefg123 87654321 987654321 9876543210 0123456789 01234567 012345678
123456780 1234567891 12344321 123454321 1234554321 11223344 1122334455 112233445566 11112222 12121212 12312312
123123123 123321123 123456123 123456123456 147258369 147852369 159753159 159357258 741852963 789456123
7894561230 963852741 951753852 135792468 1357924680 246813579 102030405 10203040 1020304050 13131313 14141414
21212121 31415926 314159265 3141592653 20202020 55667788 66778899 77889900 98765432 99887766 onetwothree
onetwothreefour correcthorse iloveyou2 iloveyousomuch ihateyou iloveme ilovegod ilovejesus imissyou mypassword
mypassword1 yourpassword thepassword nopassword newpassword oldpassword password0 passwordpassword passpass
wordpass opensesame letmeinnow letmein123 letmeinplease welcomehome changeme1 changeit changethis pleasechange
administrator1 adminadmin admin1234 admin12345 admin@123 admin!@# root1234 rootroot toortoor usernames testtest
test1234 guest1234 qwerty12 qwerty12345 qwerty123456 qwerty1234567 qwertyqwerty 123qwerty qwerty!@# p@$$w0rd
p@ssw0rd! pa$$word pa$$w0rd !@#$%^&* !@#$%^&*() ~!@#$%^& asdasdasd asd123456 zxczxczxc zxcvbnm123 qweqweqwe
monkeymonkey dragonball dragonballz spongebob harrypotter lordoftherings gameofthrones jamesbond jamesbond007
starwars1 startrek1 callofduty counterstrike worldofwarcraft leagueoflegends manchesterunited manchestercity
realmadrid1 fcbarcelona bayernmunich borussia championsleague basketball1 football12 princess12 sunshine12
september september1 wednesday thursday saturday february chocolate1 strawberry blueberry watermelon pineapple
butterfly1 sweetpea honeybee teddybear cheesecake hamburger spaghetti mountain sunflower bluebird blackbird
nightmare midnight universe paradise california newyork1 washington christmas halloween valentine business
personal computer1 internet1 platinum1 infinity fantastic wonderful beautiful gorgeous handsome children
grandma1
""".split()


def common_passwords() -> list[str]:
    """Return them in the order of the alphabet."""
    return sorted({folded(one) for one in _all() if len(one) >= SHORTEST})


def _all() -> Iterator[str]:
    yield from KNOWN
    for word, ending in product(WORDS, ENDINGS):
        yield word + ending
    yield from (word + word for word in WORDS)
    yield from _walks()
    yield from _repetitions()


def _walks() -> Iterator[str]:
    for row in (*ROWS, "abcdefghijklmnopqrstuvwxyz"):
        endless = row + row
        for start, length in product(range(len(row)), range(SHORTEST, len(row) + 1)):
            yield endless[start : start + length]
    yield from (one + other for one, other in product(COLUMNS, repeat=2))
    yield from (row[: len(row) // 2] + digits for row, digits in product(ROWS, ("123", "1234", "12345")))


def _repetitions() -> Iterator[str]:
    for sign, times in product("0123456789abcdefghijklmnopqrstuvwxyz.*!?-#", range(SHORTEST, 13)):
        yield sign * times
    for piece, times in product(PIECES, (2, 3, 4)):
        yield piece * times
    yield from (one * 4 + other * 4 for one, other in product("0123456789", repeat=2))


if __name__ == "__main__":
    SHIPPED.write_text(HEADER + "".join(f"{one}\n" for one in common_passwords()), "utf-8")
