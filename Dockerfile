# syntax=docker/dockerfile:1

# Trimtab without a Postgres of its own: give the container a DATABASE_URL, or TRIMTAB_ROLE=edge and a TRIMTAB_NATS_URL.
FROM node:20-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY client/package.json client/
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build

# What the server needs to run. The optional packages are the binaries of the embedded Postgres.
FROM node:20-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY client/package.json client/
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:20-slim
ENV NODE_ENV=production TRIMTAB_HOST=0.0.0.0 TRIMTAB_DATA=/var/lib/trimtab
WORKDIR /app
# For the disk copy. A volume that is mounted here takes the owner over.
RUN install --directory --owner=1000 --group=1000 --mode=0700 /var/lib/trimtab
COPY --from=packages /app ./
COPY --from=build /build/client/dist client/dist
COPY --from=build /build/dist dist
# `node` of the base image, as a number so that an orchestrator can see that it is not root.
USER 1000:1000
EXPOSE 8848
STOPSIGNAL SIGTERM
# Whether the process should be restarted. Whether it should be sent requests is what /health/ready says.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 8848}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/main.js"]
