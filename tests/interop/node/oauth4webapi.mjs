// Does with oauth4webapi what a client does, then judges the access tokens as a service would (RFC 9068 section 4).
import * as oauth from 'oauth4webapi'

let input = ''
for await (const chunk of process.stdin) input += chunk
const { issuer, id, secret, method, username, password, algorithm } = JSON.parse(input)
const options = { [oauth.allowInsecureRequests]: true }
const client = { client_id: id }
const authentication = (method === 'client_secret_post' ? oauth.ClientSecretPost : oauth.ClientSecretBasic)(secret)

const discover = async (kind) =>
  oauth.processDiscoveryResponse(
    new URL(issuer),
    await oauth.discoveryRequest(new URL(issuer), { ...options, algorithm: kind }),
  )
const as = await discover('oauth2')
await discover('oidc')

const signIn = async () =>
  oauth.processGenericTokenEndpointResponse(
    as,
    client,
    await oauth.genericTokenEndpointRequest(as, client, authentication, 'password', { username, password }, options),
  )
const refresh = async (token) =>
  oauth.processRefreshTokenResponse(
    as,
    client,
    await oauth.refreshTokenGrantRequest(as, client, authentication, token, options),
  )
const introspect = async (token) =>
  oauth.processIntrospectionResponse(
    as,
    client,
    await oauth.introspectionRequest(as, client, authentication, token, options),
  )
const judge = (token, audience = issuer, expected = as) => {
  const request = new Request('https://orders.example.com/', { headers: { authorization: `Bearer ${token}` } })
  return oauth
    .validateJwtAccessToken(expected, request, audience, { ...options, signingAlgorithms: [algorithm] })
    .then(
      (claims) => claims,
      (error) => error.code,
    )
}

const signedIn = await signIn()
const refreshed = await refresh(signedIn.refresh_token)
const own = await oauth.processClientCredentialsResponse(
  as,
  client,
  await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, options),
)
const [header, claims, signature] = signedIn.access_token.split('.')
const swapped = [header, own.access_token.split('.')[1], signature].join('.')
const judged = {
  signedIn: await judge(signedIn.access_token),
  refreshed: await judge(refreshed.access_token),
  own: await judge(own.access_token),
  refused: {
    tampered: await judge(swapped),
    withoutSignature: await judge(`${header}.${claims}.`),
    forSomebodyElse: await judge(signedIn.access_token, 'https://orders.example.com'),
    ofSomebodyElse: await judge(signedIn.access_token, issuer, { ...as, issuer: 'https://auth.example.com' }),
    refreshToken: await judge(refreshed.refresh_token),
  },
}

const active = await introspect(refreshed.access_token)
await oauth.processRevocationResponse(
  await oauth.revocationRequest(as, client, authentication, refreshed.access_token, options),
)
const inactive = await introspect(refreshed.access_token)
const revoked = await refresh(refreshed.refresh_token).catch((error) => `${error.status} ${error.error}`)

console.log(JSON.stringify({ judged, active, inactive, revoked }))
