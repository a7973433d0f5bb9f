/**
 * Environments and services are named like a DNS label (RFC 1123 section 2.1), lower case only, so that a name has
 * one spelling and needs no escaping in a URL, a file name or a host name.
 */
export const LABEL_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Documents allow dots, underscores and upper case as well (`logback-spring.xml`), but never a path. */
export const DOCUMENT_NAME_PATTERN = /^(?!\.)[A-Za-z0-9._-]{1,128}(?<!\.)$/;

/** Every tree of environments starts here. */
export const ROOT_ENVIRONMENT = 'base';

/** The document a client reads when none is named. */
export const DEFAULT_DOCUMENT = 'application';

/** One service in one environment: names a layer, and equally the effective config of that service there. */
export interface LayerName {
  readonly service: string;
  readonly environment: string;
}

/** `orders@production`: how a layer is written everywhere, and the key of maps over layers. */
export function layerKey({ service, environment }: LayerName): string {
  return `${service}@${environment}`;
}
