// The peer built on better-auth: its Node handler on a bare HTTP server, with e-mail and password, over PostgreSQL.
import { createServer } from "node:http";

import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";
import pg from "pg";

const port = Number(process.env.PORT);
const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: "a secret that is long enough for better-auth to take it: 0123456789",
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL }),
  emailAndPassword: { enabled: true },
  // With its default the plugin signs a token for every answer of get-session: measured is the session alone.
  plugins: [jwt({ disableSettingJwtHeader: true })],
  // In production it lets three sign-ins through in ten seconds: with that on there would be nothing to measure.
  rateLimit: { enabled: false },
};

const migrations = await getMigrations(options);
await migrations.runMigrations();
const server = createServer(toNodeHandler(betterAuth(options)));
server.listen(port, "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
