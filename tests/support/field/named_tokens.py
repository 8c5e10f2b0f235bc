"""Tokens that say themselves what they are: a fixed part that no other text has."""

TABLE = """
aws-key-id AKIA<T16>
aws-session-key-id ASIA<T16>
aws-bedrock-key ABSK<B109>=
aws-bedrock-short bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t<B120>
amazon-mws amzn.mws.<U>
amazon-oauth-secret amzn1.oa2-cs.v1.<h64>
google-api-key AIza<b35>
google-oauth-secret GOCSPX-<b28>
google-access-token ya29.a0<b160>
google-refresh-token 1//0<b61>
google-hmac-id GOOG1E<N55>
azure-client-secret <a3>8Q~<b34>
azure-storage-key <B76>+ASt<B6>==
azure-cosmos-key <B76>ACDb<B6>==
azure-function-key <B44>AzFu<B5>A==
azure-search-key <a42>AzSe<a6>
azure-registry-key <B42>+ACR<a6>
azure-devops-token <a76>AZDO<a4>
digitalocean-token dop_v1_<h64>
digitalocean-oauth doo_v1_<h64>
digitalocean-refresh dor_v1_<h64>
alibaba-key-id LTAI5t<a18>
tencent-key-id AKID<a32>
yandex-api-key AQVN<b36>
yandex-iam t1.<b60>.<b86>
yandex-oauth y0_<b55>
cloudflare-origin-ca v1.0-<h24>-<h146>
flyio-token fm2_<B200>
flyio-old-token fo1_<b43>
heroku-key HRKU-AA<b58>
render-key rnd_<a28>
netlify-token nfp_<a36>
vercel-blob vercel_blob_rw_<a16>_<a30>
supabase-token sbp_<h40>
supabase-secret-key sb_secret_<b22>_<b8>
neon-key napi_<n64>
planetscale-token pscale_tkn_<b43>
planetscale-password pscale_pw_<b43>
pulumi-token pul-<h40>
terraform-cloud <a14>.atlasv1.<b67>
doppler-personal dp.pt.<a43>
doppler-service dp.st.prd.<a43>
vault-service hvs.<b95>
vault-batch hvb.<b140>
infisical-token st.<h24>.<h32>.<h32>
onepassword-service ops_eyJ<b300>
tailscale-auth tskey-auth-k<a15>-<a32>
tailscale-api tskey-api-k<a10>-<a32>
github-pat ghp_<a36>
github-oauth gho_<a36>
github-app ghs_<a36>
github-refresh ghr_<a36>
github-fine github_pat_<a22>_<a59>
gitlab-pat glpat-<b20>
gitlab-pat-routable glpat-<b27>.01.<n9>
gitlab-deploy gldt-<b20>
gitlab-runner glrt-<b20>
gitlab-trigger glptt-<h40>
gitlab-job glcbt-64_<b20>
gitlab-scim glsoat-<b20>
gitlab-agent glagent-<b50>
gitlab-feed glft-<b20>
gitlab-registration GR1348941<b20>
bitbucket-app ATBB<a32>
bitbucket-access ATCTT3xFfGN0<b172>=<H8>
atlassian-token ATATT3xFfGF0<b172>=<H8>
sourcegraph-token sgp_<h16>_<h40>
circleci-personal CCIPAT_<a22>_<h40>
buildkite-user bkua_<h40>
harness-pat pat.<b22>.<h24>.<a20>
octopus-key API-<N29>
depot-token depot_project_<h64>
slack-bot xoxb-<d12>-<d13>-<a24>
slack-user xoxp-<d12>-<d12>-<d13>-<h32>
slack-app xapp-1-A<N10>-<d13>-<h64>
slack-refresh xoxe-1-<a146>
slack-webhook https://hooks.slack.com/services/T<N10>/B<N10>/<a24>
discord-webhook https://discord.com/api/webhooks/<d19>/<b68>
discord-bot MT<a24>.G<b5>.<b38>
telegram-bot <d10>:AA<b33>
matrix-token syt_<a12>_<a20>_<a6>
twitch-oauth oauth:<n30>
feishu-webhook https://open.feishu.cn/open-apis/bot/v2/hook/<U>
dingtalk-webhook https://oapi.dingtalk.com/robot/send?access_token=<h64>
wecom-webhook https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=<U>
google-chat-webhook https://chat.googleapis.com/v1/spaces/AAAA<a7>/messages?key=AIza<b35>&token=<b43>
stripe-secret sk_live_<a24>
stripe-long sk_live_51<a97>
stripe-restricted rk_live_<a24>
stripe-webhook whsec_<a32>
square-token EAAA<b60>
square-secret sq0csp-<b43>
braintree-token access_token$production$<n16>$<h32>
paystack-secret sk_live_<h40>
flutterwave-secret FLWSECK-<h32>-X
mollie-key live_<a30>
plaid-access access-production-<U>
shopify-token shpat_<h32>
shopify-secret shpss_<h32>
paddle-key pdl_live_apikey_01<n24>_<a22>_<a3>
mercadopago-token APP_USR-<d16>-<d6>-<h32>-<d9>
xendit-secret xnd_production_<a46>
midtrans-key Mid-server-<b24>
cashfree-secret cfsk_ma_prod_<h32>_<h8>
polar-token polar_oat_<a43>
anthropic-key sk-ant-api03-<b93>AA
anthropic-oauth sk-ant-oat01-<b86>AA
anthropic-admin sk-ant-admin01-<b93>AA
openai-old sk-<a20>T3BlbkFJ<a20>
openai-project sk-proj-<b74>T3BlbkFJ<b74>
openai-service sk-svcacct-<b74>T3BlbkFJ<b74>
huggingface-token hf_<c34>
groq-key gsk_<a20>WGdyb3FY<a24>
xai-key xai-<a80>
perplexity-key pplx-<a48>
replicate-token r8_<a37>
openrouter-key sk-or-v1-<h64>
elevenlabs-key sk_<h48>
voyage-key pa-<b43>
jina-key jina_<h32><b28>
pinecone-key pcsk_<a6>_<a63>
langsmith-key lsv2_pt_<h32>_<h10>
langfuse-secret sk-lf-<U>
cerebras-key csk-<n48>
nvidia-key nvapi-<b64>
tavily-key tvly-dev-<a32>
firecrawl-key fc-<h32>
e2b-key e2b_<h40>
runpod-key rpa_<N46>
llamacloud-key llx-<a48>
together-key tgp_v1_<b43>
deepseek-key sk-<h32>
fireworks-key fw_<a24>
apify-token apify_api_<a36>
npm-token npm_<a36>
python-index-token pypi-AgEIcHlwaS5vcmc<b160>
rubygems-key rubygems_<h48>
rust-index-token cio<a32>
nuget-key oy2<t43>
docker-pat dckr_pat_<b27>
artifactory-key AKCp<a69>
artifactory-reference cmVmdGtu<a56>
clojars-token CLOJARS_<h60>
newrelic-user NRAK-<N27>
newrelic-license <h36>FFFFNRAL
sentry-org sntrys_eyJpYXQiOjE3<b120>_<b43>
sentry-user sntryu_<h64>
grafana-service glsa_<a32>_<h8>
grafana-cloud glc_eyJ<B120>
honeycomb-key hcaik_01<n56>
dynatrace-token dt0c01.<N24>.<N64>
axiom-token xaat-<U>
logfire-token pylf_v1_us_<a43>
posthog-personal phx_<a43>
launchdarkly-sdk sdk-<U>
statsig-secret secret-<a43>
databricks-token dapi<h32>
cockroach-key CCDB1_<a22>_<a40>
xata-key xau_<a43>
airtable-pat pat<a14>.<h64>
aiven-password AVNS_<b19>
contentful-token CFPAT-<b43>
notion-token ntn_<d11><a35>
notion-secret secret_<a43>
sendgrid-key SG.<b22>.<b43>
mailgun-key key-<h32>
mailchimp-key <h32>-us12
resend-key re_<a8>_<a24>
brevo-key xkeysib-<h64>-<a16>
mailersend-token mlsn.<h64>
mandrill-key md-<a22>
linkedin-secret WPL_AP1.<a16>.<a6>==
facebook-token EAACEdEose0cBA<a140>
facebook-page EAAG<a170>
clerk-secret sk_live_<a42>
stytch-secret secret-live-<b36>=
ory-token ory_pat_<a32>
dropbox-token sl.<b138>
asana-token 2/<d16>/<d16>:<h32>
trello-token ATTA<h64><H8>
linear-key lin_api_<a40>
clickup-token pk_<d8>_<N32>
figma-token figd_<b40>
typeform-token tfp_<b44>_<b14>
hubspot-token pat-na1-<U>
postman-key PMAK-<h24>-<h34>
rapidapi-key <h10>msh<h15>p1<h5>jsn<h12>
readme-key rdme_<n70>
prefect-key pnu_<a36>
mapbox-secret sk.eyJ1Ijoi<b70>.<b22>
easypost-key EZAK<h32><a22>
shippo-token shippo_live_<h40>
duffel-token duffel_live_<b43>
twilio-key SK<h32>
telnyx-key KEY01<H32>_<a22>
pubnub-secret sec-c-<a48>
onesignal-key os_v2_app_<t90>
firebase-server AAAA<b7>:APA91b<b134>
cloudinary-url cloudinary://<d15>:<b27>@my-cloud
scalingo-token tk-us-<b48>
frameio-token fio-u-<b64>
adafruit-key aio_<a28>
intra42-secret s-s4t2ud-<h64>
age-secret AGE-SECRET-KEY-1<N58>
nostr-secret nsec1<k58>
snyk-token snyk_uat.<h8>.<b86>
maxmind-key <a6>_<a29>_mmk
salesforce-session 00D<a12>!AQEAQ<a88>
jumpcloud-key jca_<a36>
"""
"""A family and its recipe a line."""

PLACES = (
    "@@",
    "use @@ for the deploy",
    "export SERVICE_TOKEN=@@",
    'SERVICE_KEY="@@"',
    '  "apiKey": "@@",',
    "token: @@\nretries: 3",
    "Authorization: Bearer @@",
    "curl -s -H 'X-Api-Key: @@' https://api.service.test/v1/items",
    "https://api.service.test/v1/items?token=@@&page=2",
    'client = Client("@@", timeout=30)',
    "<credential>@@</credential>",
    "2024-05-01T10:00:00Z WARN auth with @@ failed (401)",
    "key=@@;region=eu",
    "secrets:\n  - @@\n",
    "const t = '@@';",
    '{"a":[1,"@@"],"b":null}',
    "`@@`",
    "| deploy | @@ | yes |",
    "(@@)",
    "id,value\n7,@@,x\n",
    "echo @@ | login --password-stdin",
    "@@.",
)
"""Where people write one, the token for `@@`."""
