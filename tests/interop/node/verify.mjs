// Reads cases as JSON from standard input and answers each with its subject, or with the code of the refusal.
import { createRemoteJWKSet, jwtVerify } from 'jose'

let input = ''
for await (const chunk of process.stdin) input += chunk
const { jwks, algorithm, cases } = JSON.parse(input)

const keys = createRemoteJWKSet(new URL(jwks))
const answers = []
for (const { token, issuer, audience } of cases) {
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms: [algorithm] })
    answers.push(payload.sub)
  } catch (error) {
    answers.push(error.code)
  }
}
console.log(JSON.stringify(answers))
