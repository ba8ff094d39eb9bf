// Does with openid-client what a client does, and says what came of it. Reads where and who it is from standard input.
import * as client from 'openid-client'

let input = ''
for await (const chunk of process.stdin) input += chunk
const { issuer, id, secret, method, username, password } = JSON.parse(input)
const authentication = { client_secret_basic: client.ClientSecretBasic, client_secret_post: client.ClientSecretPost }
const discover = (algorithm) =>
  client.discovery(new URL(issuer), id, undefined, authentication[method](secret), {
    algorithm,
    execute: [client.allowInsecureRequests],
  })
const refusal = (promise) => promise.then(() => 'accepted', (error) => `${error.status} ${error.error}`)
const signIn = (scope) => client.genericGrantRequest(config, 'password', { username, password, scope })

const config = await discover('oauth2')
const atOtherAddress = await discover('oidc')

const first = await signIn('profile:read items:read')
const second = await client.refreshTokenGrant(config, first.refresh_token)
const again = await client.refreshTokenGrant(config, first.refresh_token)
const third = await client.refreshTokenGrant(config, second.refresh_token, { scope: 'items:read' })
const used = await refusal(client.refreshTokenGrant(config, first.refresh_token))
const goesOn = await refusal(client.refreshTokenGrant(config, third.refresh_token))

const own = await client.clientCredentialsGrant(config, { scope: 'items:read' })

const next = await signIn('items:read')
const facts = [next.access_token, next.refresh_token]
const before = await Promise.all(facts.map((token) => client.tokenIntrospection(config, token)))
await client.tokenRevocation(config, next.refresh_token)
const revoked = await refusal(client.refreshTokenGrant(config, next.refresh_token))
const after = await Promise.all(facts.map((token) => client.tokenIntrospection(config, token)))
await client.tokenRevocation(config, 'never-issued')
const wrongPassword = await refusal(client.genericGrantRequest(config, 'password', { username, password: 'wrong' }))

console.log(
  JSON.stringify({
    sameDocument: JSON.stringify(config.serverMetadata()) === JSON.stringify(atOtherAddress.serverMetadata()),
    types: [first, second, third, own].map((answer) => answer.token_type),
    scopes: [first, second, third, own].map((answer) => answer.scope),
    expires: [first, own].map((answer) => answer.expires_in),
    rotated: first.refresh_token !== second.refresh_token && second.refresh_token !== third.refresh_token,
    answeredAlike: again.refresh_token === second.refresh_token,
    ownHasNoRefreshToken: own.refresh_token === undefined,
    before: before.map(({ active, client_id, scope, iss, aud }) => ({ active, client_id, scope, iss, aud })),
    after,
    goesOn,
    refused: { used, revoked, wrongPassword },
  }),
)
