"""Lines labelled by hand: what of them is personal data, and lines of shops, schools and code that hold none.

Every person, number and address is made up. `|` in EXPECTED separates several; the text is what has to be masked.
"""

from __future__ import annotations

from studio.data.personal.numbers import passes_luhn


def with_luhn(start: str) -> str:
    """The number with the digit that makes it pass Luhn's check."""
    return next(start + digit for digit in "0123456789" if passes_luhn(start + digit))


VISA, MASTER, JCB, AMEX = (
    with_luhn(s) for s in ("453914880343646", "520082828282821", "353011133330000", "37144963539843")
)


def in_fours(digits: str, sign: str = "-") -> str:
    return sign.join(digits[n : n + 4] for n in range(0, len(digits), 4))


# Keys are put together here so that nothing that scans a repository takes them for real ones.
KEY_SK, KEY_AWS, KEY_GIT = (
    "sk-" + "a9Kd83jfLqPz72mXvB41nTyW",
    "AKIA" + "Q3EGRW7TLMZ5XN2B",
    "ghp_" + "b7" * 3 + "Zk29qLmN4xVtR8sPwYcD1fGhJ3kM5n",
)
KEY_GOOGLE, KEY_HF = "AIza" + "SyB3kLm9QwErTyUi0pAsDfGhJkLzXcVbN2q", "hf_" + "QwErTyUiOpAsDfGhJkLzXcVbNm12345"

VISA_B, MASTER_B = with_luhn("451203778812903"), with_luhn("540012349988776")

POSITIVE: tuple[tuple[str, dict[str, tuple[str, ...]]], ...] = (
    # e-mail
    ("ご連絡は hanako.suzuki@kobo-mail.jp までお願いします。", {"email": ("hanako.suzuki@kobo-mail.jp",)}),
    ("Write to peter.k+shop@northmail.co.uk, please.", {"email": ("peter.k+shop@northmail.co.uk",)}),
    ("メール：ｔａｒｏ＿ｓ＠ｋｏｂｏ．ｊｐ", {"email": ("ｔａｒｏ＿ｓ＠ｋｏｂｏ．ｊｐ",)}),
    ("<a.b-c@sub.mailhost.net>; d_e@mailhost.org", {"email": ("a.b-c@sub.mailhost.net", "d_e@mailhost.org")}),
    ("アドレスはyuki1985@docomo-net.ne.jpです", {"email": ("yuki1985@docomo-net.ne.jp",)}),
    ("mailto:lena@posthaus.de?subject=Hi", {"email": ("lena@posthaus.de",)}),
    ("My address is JOHN@BIGPOST.COM.", {"email": ("JOHN@BIGPOST.COM",)}),
    ("contact: x9@io-labs.io (Mon-Fri)", {"email": ("x9@io-labs.io",)}),
    ("「m.tanaka@kaisha.co.jp」に送ってください", {"email": ("m.tanaka@kaisha.co.jp",)}),
    # phone
    ("電話は090-1234-5678です。", {"phone": ("090-1234-5678",)}),
    ("携帯 08012345679 におかけください", {"phone": ("08012345679",)}),
    ("TEL 03-3456-7891", {"phone": ("03-3456-7891",)}),
    ("TEL：０３－３４５６－７８９１", {"phone": ("０３－３４５６－７８９１",)}),
    ("自宅は0466-22-1357です", {"phone": ("0466-22-1357",)}),
    ("連絡先：06(6123)4567", {"phone": ("06(6123)4567",)}),
    ("お電話番号 (075) 123-4569 をお願いします", {"phone": ("(075) 123-4569",)}),
    ("０９０ー８７６５ー４３２１に電話して", {"phone": ("０９０ー８７６５ー４３２１",)}),
    ("連絡先電話 0312345679", {"phone": ("0312345679",)}),
    ("050-3123-4567 までどうぞ", {"phone": ("050-3123-4567",)}),
    ("海外からは +81-90-1234-5678 へ", {"phone": ("+81-90-1234-5678",)}),
    ("+81 3 3456 7891", {"phone": ("+81 3 3456 7891",)}),
    ("Call me at (415) 867-5309.", {"phone": ("(415) 867-5309",)}),
    ("my cell is 212-736-5000", {"phone": ("212-736-5000",)}),
    ("Phone: 646.253.7001", {"phone": ("646.253.7001",)}),
    ("+1 (312) 442-8890 after six", {"phone": ("+1 (312) 442-8890",)}),
    ("WhatsApp +4915112345678", {"phone": ("+4915112345678",)}),
    ("+44 20 7946 1234 is my office", {"phone": ("+44 20 7946 1234",)}),
    ("1-503-226-7654 works too", {"phone": ("1-503-226-7654",)}),
    ("Phone: (123) 456-7891, emoore@email.com", {"phone": ("(123) 456-7891",), "email": ("emoore@email.com",)}),
    ("市外局番から 01267-2-3456 へ", {"phone": ("01267-2-3456",)}),
    # card
    (f"カード番号は{in_fours(VISA)}、期限は来月です。", {"card": (in_fours(VISA),)}),
    (f"My card is {in_fours(MASTER, ' ')}.", {"card": (in_fours(MASTER, " "),)}),
    (f"JCB {JCB}", {"card": (JCB,)}),
    (f"Amex {AMEX[:4]} {AMEX[4:10]} {AMEX[10:]}", {"card": (f"{AMEX[:4]} {AMEX[4:10]} {AMEX[10:]}",)}),
    (f"支払いは{VISA}でお願いします", {"card": (VISA,)}),
    # My Number: 123456789018 passes
    ("マイナンバーは1234 5678 9018です。", {"my_number": ("1234 5678 9018",)}),
    ("個人番号：１２３４５６７８９０１８", {"my_number": ("１２３４５６７８９０１８",)}),
    ("My Number: 1234-5678-9018", {"my_number": ("1234-5678-9018",)}),
    # postal code
    ("〒150-0043", {"postal_code": ("150-0043",)}),
    ("郵便番号は6040846です", {"postal_code": ("6040846",)}),
    ("〒１５０－００４３です", {"postal_code": ("１５０－００４３",)}),
    # address
    ("東京都渋谷区道玄坂2-10-7に住んでいます。", {"address": ("東京都渋谷区道玄坂2-10-7",)}),
    ("大阪府大阪市北区梅田三丁目1番3号", {"address": ("大阪府大阪市北区梅田三丁目1番3号",)}),
    ("北海道札幌市中央区北1条西2丁目", {"address": ("北海道札幌市中央区北1条西2丁目",)}),
    ("住所：横浜市西区みなとみらい2-2-1", {"address": ("横浜市西区みなとみらい2-2-1",)}),
    ("神奈川県鎌倉市由比ガ浜４丁目１番１号まで", {"address": ("神奈川県鎌倉市由比ガ浜４丁目１番１号",)}),
    (
        "604-0846 京都府京都市中京区両替町12-3",
        {"postal_code": ("604-0846",), "address": ("京都府京都市中京区両替町12-3",)},
    ),
    (
        "お届け先は愛知県名古屋市中村区名駅1-1-4 栄ハイツ203号室です",
        {"address": ("愛知県名古屋市中村区名駅1-1-4 栄ハイツ203号室",)},
    ),
    ("He lives at 742 Maple Street.", {"address": ("742 Maple Street.",)}),
    (
        "Send it to 1600 Oak Ridge Avenue, Portland, OR 97205 today",
        {"address": ("1600 Oak Ridge Avenue, Portland, OR 97205",)},
    ),
    ("Ship to 12 Elm Rd, please", {"address": ("12 Elm Rd",)}),
    # key
    (f"export OPENAI_API_KEY={KEY_SK}", {"key": (KEY_SK,)}),
    (f"aws_access_key_id = {KEY_AWS}", {"key": (KEY_AWS,)}),
    (f"git clone with {KEY_GIT} works", {"key": (KEY_GIT,)}),
    (f"The key {KEY_GOOGLE} is for maps.", {"key": (KEY_GOOGLE,)}),
    (f"login --token {KEY_HF}", {"key": (KEY_HF,)}),
    ('api_key: "9f8e7d6c5b4a39281706"', {"key": ("9f8e7d6c5b4a39281706",)}),
    ("パスワードはKitsune4Mori9です", {"key": ("Kitsune4Mori9",)}),
    ("password: tr0ub4dor-and-3", {"key": ("tr0ub4dor-and-3",)}),
    # login
    ("postgres://maria:hunter2xyz@db.firma.de:5432/shop", {"login": ("maria:hunter2xyz",)}),
    ("https://kenji:s3kr1t99@intra.kaisha.co.jp/", {"login": ("kenji:s3kr1t99",)}),
    # ip
    ("アクセス元は 203.104.209.71 でした", {"ip": ("203.104.209.71",)}),
    ("client 91.198.174.192 connected", {"ip": ("91.198.174.192",)}),
    ("from 2a00:1450:4001:81b:0:0:0:200e to us", {"ip": ("2a00:1450:4001:81b:0:0:0:200e",)}),
    # name
    ("氏名：佐々木 健一", {"name": ("佐々木 健一",)}),
    ("お名前：高橋美咲様", {"name": ("高橋美咲",)}),
    ("フリガナ：タカハシ ミサキ", {"name": ("タカハシ ミサキ",)}),
    ("Customer name: Margaret Holloway", {"name": ("Margaret Holloway",)}),
    ("Full Name: Daniel J. Whitcombe", {"name": ("Daniel J. Whitcombe",)}),
    ("My name is Oliver Grantham, call (415) 867-5309.", {"name": ("Oliver Grantham",), "phone": ("(415) 867-5309",)}),
    ("名前：井上直樹\n電話：090-2345-6789", {"name": ("井上直樹",), "phone": ("090-2345-6789",)}),
    ("Name: Aiko Brandt\nEmail: aiko@posthaus.de", {"name": ("Aiko Brandt",), "email": ("aiko@posthaus.de",)}),
    # several
    (
        "氏名：中村 翔\n〒980-0021\n宮城県仙台市青葉区中央1-2-3\nTEL 022-345-6789\nsho@kobo-mail.jp",
        {
            "name": ("中村 翔",),
            "postal_code": ("980-0021",),
            "address": ("宮城県仙台市青葉区中央1-2-3",),
            "phone": ("022-345-6789",),
            "email": ("sho@kobo-mail.jp",),
        },
    ),
    # written after the rules
    (
        "問い合わせは staff_01@mizuno-net.ne.jp または 042-345-6789 へ",
        {"email": ("staff_01@mizuno-net.ne.jp",), "phone": ("042-345-6789",)},
    ),
    ("山本まで（070-4455-6677）", {"phone": ("070-4455-6677",)}),
    ("携帯番号は「080 1234 9876」です", {"phone": ("080 1234 9876",)}),
    ("ＴＥＬ（０３）５５５１−２３４５", {"phone": ("（０３）５５５１−２３４５",)}),
    ("FAX:0798-35-1122", {"phone": ("0798-35-1122",)}),
    ("請求先：〒231-0023 横浜市中区山下町5-12", {"postal_code": ("231-0023",)}),
    ("埼玉県さいたま市大宮区桜木町1丁目7番地5", {"address": ("埼玉県さいたま市大宮区桜木町1丁目7番地5",)}),
    ("兵庫県神戸市中央区三宮町1丁目10-1", {"address": ("兵庫県神戸市中央区三宮町1丁目10-1",)}),
    ("長野県北佐久郡軽井沢町軽井沢東12-3", {"address": ("長野県北佐久郡軽井沢町軽井沢東12-3",)}),
    (
        "東京都千代田区丸の内一丁目9番1号 タワー1203号室",
        {"address": ("東京都千代田区丸の内一丁目9番1号 タワー1203号室",)},
    ),
    ("住所は福岡市博多区博多駅前3-2-1です", {"address": ("福岡市博多区博多駅前3-2-1",)}),
    ("北海道小樽市色内2-1-20", {"address": ("北海道小樽市色内2-1-20",)}),
    ("沖縄県那覇市おもろまち4丁目1番地", {"address": ("沖縄県那覇市おもろまち4丁目1番地",)}),
    (
        f"カードは{VISA_B[:4]} {VISA_B[4:8]} {VISA_B[8:12]} {VISA_B[12:]}で",
        {"card": (f"{VISA_B[:4]} {VISA_B[4:8]} {VISA_B[8:12]} {VISA_B[12:]}",)},
    ),
    (f"charge {MASTER_B} please", {"card": (MASTER_B,)}),
    ("私のマイナンバー（1234-5678-9018）", {"my_number": ("1234-5678-9018",)}),
    ("氏名：小林　さくら", {"name": ("小林　さくら",)}),
    ("お名前 : 鈴木　一郎　様", {"name": ("鈴木　一郎",)}),
    ("ご氏名：ｻﾄｳ", {}),
    ("担当：石井 玲奈（reina.i@mizuno-net.ne.jp）", {"name": ("石井 玲奈",), "email": ("reina.i@mizuno-net.ne.jp",)}),
    ("Patient Name: Harriet Langley, DOB 1970", {"name": ("Harriet Langley",)}),
    ("Name: Tom Baker\nPhone: 773-202-5862", {"name": ("Tom Baker",), "phone": ("773-202-5862",)}),
    (
        "Reach me at jo-ann.o.k@uni-bonn.de or +49 228 731234",
        {"email": ("jo-ann.o.k@uni-bonn.de",), "phone": ("+49 228 731234",)},
    ),
    ("+33 6 12 34 56 78", {"phone": ("+33 6 12 34 56 78",)}),
    ("tel +82-10-1234-5678", {"phone": ("+82-10-1234-5678",)}),
    ("My number is 303.555.2368", {"phone": ("303.555.2368",)}),
    ("She lives at 89 Willow Creek Lane", {"address": ("89 Willow Creek Lane",)}),
    ("deliver it to 4100 N. Lincoln Ave, Chicago, IL 60618", {"address": ("4100 N. Lincoln Ave, Chicago, IL 60618",)}),
    (
        "The shipment goes to 55 Harbor Blvd Apt 4B, Weehawken, NJ 07086",
        {"address": ("55 Harbor Blvd Apt 4B, Weehawken, NJ 07086",)},
    ),
    ("SECRET_KEY='kd82Hs71lQp0ZmX4'", {"key": ("kd82Hs71lQp0ZmX4",)}),
    ("Authorization: Bearer 8f7a6d5c4b3a29181706f5e4d3c2b1a0", {"key": ("8f7a6d5c4b3a29181706f5e4d3c2b1a0",)}),
    ("パスワード：Sakura2023tokyo", {"key": ("Sakura2023tokyo",)}),
    ("slack " + "xox" + "b-7730915528-qzwkRTPMvxyl", {"key": ("xox" + "b-7730915528-qzwkRTPMvxyl",)}),
    ("mysql://root:toor99zz@10.2.3.4/x", {"login": ("root:toor99zz",)}),
    ("ssh to 52.194.33.7 now", {"ip": ("52.194.33.7",)}),
    ("IPアドレス：133.242.0.3", {"ip": ("133.242.0.3",)}),
)

NEGATIVE: tuple[str, ...] = (
    # a shop
    "ご注文番号は1234567890です。", "注文番号 090-1234-5678-01 を確認しました。", "注文番号：09012345678", "伝票番号 4539-1488-0343 でお調べします。",
    "お問い合わせ番号は1234-5678-9018です。", f"注文番号は{VISA}です。", f"Order {VISA} has shipped.",
    "Order number 415-867-5309 is on its way.", "Your tracking number is 1Z999AA10123456784.", "商品コード：4901234567894",
    "JANコードは4 901234 567894です。", "JAN 4512345678901", "型番は AB-0312-3456 です。", "品番 03-1234-5678 のマグカップ",
    "SKU 212-736-5000 is out of stock.", "税込3,480円、送料550円です。", "合計は12,345,678円になります。", "The total is $1,234,567.89.",
    "The set costs 4500-5500 yen.", "営業時間は10:00-19:00です。", "定休日は毎週水曜日です。", "フリーダイヤル0120-123-456へどうぞ。",
    "0570-012-345（ナビダイヤル）", "Call our free line 0800-123-4567.", "サイズは 120-150-180 からお選びください。", "会員番号：0312345678",
    "予約番号 0312-34-5678", "シリアル番号：0466-22-1357", "お客様番号の末尾 0018 をお願いします。", "ポイントは100円につき1ポイントです。",
    "クーポンコードは SPRING2024 です。", "レシート番号 2024-0506-0012", "Invoice 2024-0034-0101 is due.",
    "Use code WELCOME-2024-AUTUMN.", "返品は30日以内に限ります。",
    # dates, times, ISBN
    "2024-05-06 に発送しました。", "2024年5月6日（月）午後3時", "納品日：2024/05/06 10:30", "20240506123000",
    "The log starts at 2024-05-06T12:30:45.123456Z.", "from 1914-1918 and 1939-1945", "03-04-2024 was a Wednesday.",
    "ISBN 978-4-06-512345-6", "ISBN-10: 4-06-512345-8", "ISBN 9784065123456", "ISSN 0317-8471",
    "書籍コード 4-10-101010-3", "doi:10.1000/182", "UPC 036000291452", "令和6年法律第123号", "Vol. 12, No. 3, pp. 212-219",
    # numbers, maths, science
    "12たす34は46です。", "3.14159265358979323846", "1000000000000000 は 10 の 15 乗です。", "The answer is 415 - 867 - 5309.",
    "5+12345678901 = 12345678906", "x = +1234567890123", "6.02214076 × 10^23", "π ≈ 3.1415926535", "0.0312-0.3456",
    "Solve 212-736 = ?", "DNA ACGT 1234 5678", "The sequence 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987",
    "1111 2222 3333 4444", "4111 1111 1111 1112", "0000-0000-0000-0000", "123456789012 を素因数分解してください。",
    "マイナンバーは123456789012です。", "マイナンバーカードの有効期限は10年です。", "個人番号とは何ですか。", "123456789018", "the ratio 16:9:4:3:2:1",
    # versions, code, network
    "version 1.2.3.4 is out", "バージョン 10.15.7.19 に更新しました。", "See section 4.2.1.3.", "192.168.1.10 はルーターです。",
    "127.0.0.1:7860", "ping 8.8.8.8", "255.255.255.0", "10.0.0.1/24", "203.0.113.5 is reserved for examples.",
    "std::vector<std::string> a::b::c", "12:30:45:678", "icon@2x.png", "npm install left-pad@1.3.0",
    "@app.route('/')", "git@github.com:someone/project.git", "user@example.com", "noreply@shop-news.jp",
    "your.name@yourdomain.com", "@hanako さん、こんにちは。", "a@b", "scp file user@localhost:/tmp",
    "api_key = os.environ['API_KEY']", 'api_key: "your_api_key_here"', "password: ********", "パスワードを忘れた場合はこちら。",
    "パスワードは8文字以上で入力してください。", "Enter your password twice.", "password=getpass.getpass()", "sk-learn is scikit-learn",
    "The secret key is to practise every day.", "postgres://user:password@localhost/db", "http://127.0.0.1:8000/@me",
    "sha256: 9f86d081884c7d659a2feaa0c55ad015", "commit e614549f8f2a", "uuid 123e4567-e89b-12d3-a456-426614174000",
    # places and people in general
    "東京都の人口は約1400万人です。", "京都府京都市に行きました。", "東京都渋谷区にあるカフェ", "大阪府では3月に桜が咲きます。", "北海道の面積は83,424平方キロメートルです。", "東京都23区の天気",
    "神奈川県鎌倉市には寺が多い。", "住所を教えてください。", "住所：東京都（以下略）", "佐藤さんは先生です。", "田中様、お世話になっております。", "鈴木一朗は有名な野球選手です。",
    "夏目漱石の『坊っちゃん』", "氏名：山田太郎", "氏名：______", "名前：ポチ", "商品名：青いマグカップ", "名前：バグ修正", "氏名と住所をご記入ください。", "Name: Blue Mug",
    "My name is Ishmael.", "Dear Customer Service, thank you.", "George Washington was the first president.",
    "Full name: John Doe", "Janet has 16 ducks and sells 9 eggs on Main Street.", "12 Large Place Mats",
    "In 1999 King Street was closed.", "The 5 Oak Drive trains leave at nine.", "⟨EMAIL_1⟩ と ⟨PHONE_2⟩ に連絡してください。",
    "氏名：⟨NAME_1⟩　住所：⟨ADDRESS_1⟩", "555-0123", "Phone: (123) 456-7890", "123-456-7891", "boss@company.com",
    "200 - 150 = <<200-150=50>> and 6000-600-150-1200-2000=2050", "1005-00-073-9421",
    "card_payment_wrong_exchange_rate", "Call (212) 555-0142, a number from the film.", "",
    "氏名：　住所：　電話番号：", "お名前：住所：連絡先：", "氏名：氏名：",
    # written after the rules
    "商品番号 0312-34-5678 はただいま品切れです。", "品番：090-1111-2222", "お荷物番号 4012-3456-7890", "ご注文 2024-1105-0033 の件",
    "管理番号：045-111-2222", "JAN：4987654321098", "価格：1,234,567円（税込）", "2024/11/05 10:00〜12:00", "2024-11-05",
    "第12回 3-4-5", "ISBN：978-4-10-101001-4", "ISBN4-10-101001-7", "サイズ：90-100-110cm", "電話番号を教えていただけますか。",
    "フリーダイヤル 0120-444-555", "0800-888-9999（通話無料）", "1ドル＝149.82円", "総額 45,000,000 円", "円周率は3.14159265358979",
    "1-2-3と数える", "午前10時から午後7時", "カード番号の下4桁は1234です", "カードは4桁ずつ区切ります", "マイナンバーは12桁です。", "郵便番号は7桁です。", "100-200円",
    "東京都から大阪府まで3時間", "京都府の3つの寺", "住所変更は3日以内に", "神奈川県横浜市は人口370万人", "さいたま市の10区", "山田様、いつもありがとうございます。", "佐藤さんが3つ買いました。",
    "名前：リンゴ", "名前：太郎という犬", "担当：営業部", "氏名：", "IPアドレス：192.168.0.1", "ver. 2.10.33.4", "v1.12.133.7 をリリース",
    "Python 3.11.7", "http://localhost:7860/?key=abc", "token = get_token()", "The password must have 8 characters.",
    "api_key=YOUR_API_KEY", "sk-learn 1.5", "Order #4539148803436467", "order no. 303-222-2368",
    "Ticket 415-222-1234 is open", "Flight 0312 departs 10:45", "Score 212-199", "Mon-Fri 9-5", "pp. 1234-5678",
    "Apollo 11 landed in 1969.", "x = 123-456-7890 + 1", "phone: none", "Call 911", "10-digit codes",
    "E = mc^2 @ home", "foo@bar", "@media (max-width: 600px)", "user@@host.com", "hello@example.org", "a.png@2x.jpg",
    "12 Angry Men Way", "221B Baker Street", "In 10 Downing Street the lights were on.", "5 Star Road Movies",
    "Pi Day 3-14-2015", "2001:db8::1", "00:1A:2B:3C:4D:5E", "12:34:56", "a:b:c:d",
    "SELECT * FROM t WHERE id=123456789012", "1234567890123456", "9999-9999-9999-9999", "0x1234567890abcdef",
    "123e4567-e89b-12d3-a456-426614174000", "UTC+09:00", "+10% to +20%", "+1 for this", "C++11 14 17 20 23",
    "Dear Sir or Madam,", "My name is Bond.", "I am Very Tired", "Mr. Fox went home.",
)  # fmt: skip
