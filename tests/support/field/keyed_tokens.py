"""Tokens that look like any random text: the name of their vendor is what tells them."""

TABLE = """
abstractapi <h32>
abuseipdb <h80>
accuweather <a32>
adobe <h32>
aha <h64>
airbrake <h32>
airship <a91>
akamai <b52>
algolia <h32>
alchemy <b32>
amplitude <h32>
appfollow <b20>
appcues <U>
assemblyai <h32>
auth0 <b64>
avalara <B24>==
aviationstack <h32>
bamboohr <h40>
bandwidth <U>
baremetrics <b25>
bitly <h40>
bitfinex <a43>
binance <a64>
bitmex <b24>
blazemeter <h24>
box <a32>
brave BSA<b28>
browserstack <a20>
bscscan <N34>
bugsnag <h32>
buildkite <h40>
bunny <U>
bybit <a36>
cloudflare <b40>
codacy <a20>
codeclimate <h64>
codecov <U>
cohere <a40>
coinapi <U>
coinbase <a16>
coinmarketcap <U>
consul <U>
contentstack <h18>
crowdin <h80>
currencylayer <h32>
customerio <h20>
datadog <h32>
deepgram <h40>
deepl <U>:fx
discogs <a40>
disqus <a64>
drone <a32>
duo <a40>
edamam <h32>
elastic <B58>==
etherscan <N34>
eventbrite <N20>
exchangerate <h24>
fastly <b32>
fixer <h32>
flickr <h32>
foursquare <N48>
freshdesk <a20>
fullcontact <a32>
geocodio <h39>
gitea <h40>
giphy <a32>
gitter <h40>
guardian <U>
gumroad <b43>
helpscout <h32>
hetzner <a64>
honeybadger <a20>
hotjar <a32>
hunter <h40>
imgur <h40>
infura <h32>
influxdb <b86>==
insightly <U>
instatus <h32>
intercom <B56>=
ipdata <h56>
ipgeolocation <h32>
ipinfo <h14>
ipstack <h32>
iterable <h32>
jenkins <h34>
jotform <h32>
kraken <B86>==
kucoin <U>
lastfm <h32>
launchdarkly <U>
linode <h64>
livechat <a40>
lokalise <h40>
loggly <U>
lob <h35>
logdna <h32>
lyft <b64>
mailgun <h32>-<h8>-<h8>
mailjet <h32>
mapquest <a32>
mattermost <n26>
mediastack <h32>
messagebird <a25>
mistral <a32>
mixpanel <h32>
monday <h32>
mux <b75>
nasa <a40>
netlify <b43>
newsapi <h32>
nexmo <a16>
ngrok 2<a26>_<a22>
nytimes <a32>
okta 00<b40>
okx <U>
onelogin <h64>
openweather <h32>
opsgenie <U>
ovh <a32>
pagerduty <a20>
parseur <h40>
pendo <U>
pingdom <b67>
pipedrive <h40>
pivotaltracker <h32>
plaid <h30>
plivo <a40>
polygonscan <N34>
postageapp <a32>
postmark <U>
pushbullet o.<a32>
pusher <h20>
quickbooks <a38>
railway <U>
raygun <a24>
recurly <h32>
reddit <b27>
riot RGAPI-<U>
rollbar <h32>
samsara <a40>
sauce <U>
scaleway <U>
scrapingbee <N80>
securitytrails <a32>
segment <a32>
sendbird <h40>
serpapi <h64>
shodan <a32>
shortcut <U>
signalwire PT<h48>
sinch <b34>
snyk <U>
sonarcloud <h40>
sparkpost <h40>
splunk <U>
spotify <h32>
statuspage <h32>
storyblok <a22>tt
strava <h40>
sumologic <a64>
supabase <a40>
surge <h32>
telesign <B86>==
tencent <a32>
thousandeyes <h32>
tiingo <h40>
todoist <h40>
tomtom <a32>
toggl <h32>
travis <b22>
trello <h32>
tumblr <a50>
twilio <h32>
twitch <n30>
twitter <a45>
typesense <a32>
unsplash <b43>
uptimerobot u<d7>-<h24>
urlscan <U>
vercel <a24>
virustotal <h64>
vonage <a16>
vultr <N36>
wakatime <U>
wandb <h40>
weatherstack <h32>
webex <a64>
wistia <h64>
wordnik <n49>
workday <n64>
wrike <a160>
yelp <b128>
zendesk <a40>
zerobounce <h32>
zeplin <b60>
zillow X1-ZWz<n12>_<n5>
zoho <h32>
zoom <a32>
zulip <a32>
"""
"""A vendor and the recipe of its key a line."""

PLACES = (
    "{U}_API_KEY=@@",
    "{l}_token: @@",
    '"{l}_secret": "@@",',
    "const {l}Key = '@@';",
    "{l}.api-key=@@",
    'export {U}_TOKEN="@@"',
    "# {l}\nkey: @@\n",
    "the {l} key is @@, do not share",
    '<add key="{C}ApiKey" value="@@" />',
    "{l}: {{\n  apiKey: '@@',\n}}",
    "GET https://api.{l}.test/v1/items?api_key=@@&page=1",
    "[{l}]\nsecret = @@\n",
    "{l}=@@",
    "X-{C}-Key: @@",
    'new {C}Client({{ apiKey: "@@" }})',
    '{l}Token := "@@"',
    "{l}_access_key => '@@',",
    "{U}_SECRET: '@@'",
    "--{l}-api-key @@",
    'os.environ["{U}_KEY"] = "@@"',
    "{l} auth token: @@",
    "<{l}-key>@@</{l}-key>",
    '"{l}": {{"token": "@@"}}',
    "set {l} credentials\n    client_secret: @@\n",
)
"""Where people write one: the vendor in lower case, upper case and with a capital."""
