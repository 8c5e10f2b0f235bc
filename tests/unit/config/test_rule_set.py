"""What the shipped rule files have to have: families, classes, homes, and a format that gitleaks reads."""

import re
from collections import Counter
from pathlib import Path

from pipeline.hosts import canonical_host
from pipeline.scrubber.rule import RuleSet
from tests.support.gitleaks_binary import findings
from vibedom.user_files import shipped_text

_FAMILIES = """
github-pat github-fine-grained-pat github-app-token github-oauth gitlab-pat bitbucket-app-password gitea-access-token
sourcegraph-access-token aws-access-token aws-secret-key aws-session-token gcp-api-key gcp-oauth-access-token
azure-storage-account-key azure-ad-client-secret azure-sas-signature azure-devops-pat digitalocean-pat
alibaba-access-key-id tencent-secret-id ibm-cloud-api-key oracle-cloud-auth-token heroku-api-key flyio-access-token
vercel-access-token netlify-access-token cloudflare-api-key cloudflare-global-api-key cloudflare-origin-ca-key
linode-token hetzner-token scaleway-key circleci-pat travisci-access-token buildkite-token droneci-access-token
slack-bot-token slack-user-token slack-app-token slack-webhook-url discord-bot-token telegram-bot-api-token
microsoft-teams-webhook mattermost-access-token twilio-auth-token sendgrid-api-token mailgun-private-api-token
mailchimp-api-key stripe-access-token square-access-token paypal-braintree-access-token plaid-api-token adyen-api-key
razorpay-key shopify-token flutterwave-key anthropic-api-key anthropic-admin-api-key anthropic-oauth-token
openai-api-key openai-project-key huggingface-access-token groq-api-key replicate-api-token cohere-api-token
mistral-api-key perplexity-api-key xai-api-key deepseek-api-key openrouter-key together-api-key fireworks-api-key
elevenlabs-api-key langsmith-api-key pinecone-api-key wandb-api-key nvidia-api-key npm-access-token pypi-upload-token
rubygems-api-token nuget-api-key crates-token artifactory-api-key docker-hub-pat clojars-api-token
datadog-access-token new-relic-user-api-key sentry-user-token grafana-service-account-token dynatrace-api-token
pagerduty-key honeycomb-key mongodb-uri-password postgres-uri-password mysql-uri-password redis-uri-password
amqp-uri-password ldap-uri-password http-uri-password jdbc-password connection-string-password planetscale-token
supabase-token databricks-api-token snowflake-password mongodb-atlas-key cockroachdb-key neon-key turso-upstash-key
vault-service-token doppler-api-token 1password-service-account-token pulumi-api-token hashicorp-tf-api-token
kubernetes-secret-yaml age-secret-key private-key jwt bearer-token basic-auth-header curl-auth-user netrc-password
npmrc-auth-token pypirc-password docker-config-auth session-cookie url-query-token generic-password generic-api-key
email credit-card us-ssn us-phone private-ipv4
"""


def test_there_is_a_rule_for_every_family_of_credentials(shipped: RuleSet) -> None:
    assert set(_FAMILIES.split()) - {rule.id for rule in shipped.rules} == set()
    assert len(shipped.rules) >= 230


def test_two_rules_never_share_a_placeholder_or_a_regex(shipped: RuleSet) -> None:
    for count in (Counter(r.info.placeholder for r in shipped.rules), Counter(r.regex for r in shipped.rules)):
        assert [value for value, times in count.items() if times > 1] == []


def test_every_rule_says_what_it_finds(shipped: RuleSet) -> None:
    assert [rule.id for rule in shipped.rules if len(rule.info.description) < 8] == []


def test_a_home_is_a_host_a_pattern_of_hosts_or_the_registries(shipped: RuleSet) -> None:
    homes = {home for rule in shipped.rules for home in rule.info.homes} - {"@registries"}
    assert [home for home in homes if canonical_host(home.removeprefix("*.")) != home.removeprefix("*.")] == []


def test_only_credentials_have_homes(shipped: RuleSet) -> None:
    assert [
        rule.id for rule in shipped.rules if rule.info.homes and rule.info.secret_class in ("pii", "private-ip")
    ] == []


def test_an_agents_own_key_is_at_home_at_its_api_and_nowhere_else(shipped: RuleSet) -> None:
    homes = {rule.id: rule.info.homes for rule in shipped.rules}
    assert "api.anthropic.com" in homes["anthropic-oauth-token"]
    assert "api.openai.com" in homes["openai-project-key"]
    assert "api.github.com" in homes["github-fine-grained-pat"]
    assert homes["npm-access-token"] == ("@registries",)


def test_every_keyword_is_lower_case_as_gitleaks_compares_it() -> None:
    keywords = re.findall(r"^keywords = \[(.*)\]$", shipped_text("gitleaks.toml"), re.MULTILINE)
    assert keywords == [line.lower() for line in keywords]


def test_the_gitleaks_binary_reads_the_same_file(tmp_path: Path) -> None:
    token = "ghp_" + "aB3" * 12
    found = findings({"notes.txt": f"use {token} there\n".encode()}, shipped_text("gitleaks.toml"), tmp_path)
    assert found["notes.txt"] == {("github-pat", token): 1}
