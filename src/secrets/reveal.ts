import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { JsonValue } from '@trimtab/client/protocol';
import { recordAct } from '../audit/record-audit';
import { parsePath, formatPointer, parsePointer } from '../documents/pointer';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { EffectiveReader } from '../releases/effective-reader';
import { leafAt } from './sealed-leaves';
import { sealedPlaces, type SealedPlace } from './sealed-places';
import { Unsealer, type UnsealFault } from './unsealer';

export interface RevealRequest {
  /** Absent: every document. */
  readonly document: string | undefined;
  /** A pointer, or `db.password`. Absent: everything in the document. */
  readonly path: string | undefined;
  readonly asOf: Revision | undefined;
}

/** One sealed value in clear text, or why it is not shown. */
export interface RevealedValue extends SealedPlace {
  readonly value?: JsonValue;
  readonly fault?: UnsealFault | 'not_allowed';
}

export interface Revealed {
  readonly revision: Revision;
  readonly values: readonly RevealedValue[];
}

/** Enough to know what somebody was shown. */
const RECORDED = 200;

/** Shows people what is sealed. Nothing leaves here that is not in the audit first. */
@Injectable()
export class Reveal {
  constructor(
    private readonly effective: EffectiveReader,
    private readonly unsealer: Unsealer,
    private readonly dataSource: DataSource,
  ) {}

  /**
   * The secrets of an effective config. What an included service has sealed is shown only to those who may be shown it
   * there: whoever edits the includes of one service has no claim to the secrets of another.
   *
   * @throws DomainError `forbidden`, `secret_not_found`
   */
  async reveal(target: LayerName, request: RevealRequest, actor: Actor): Promise<Revealed> {
    const { config, documents } = await this.effective.read(target, request.asOf);
    const places = placesAsked(sealedPlaces(documents) ?? [], request);
    if (places.length === 0) throw new DomainError('secret_not_found', `Nothing that was asked for of ${layerKey(target)} is sealed.`);
    const allowed = places.filter((place) => actor.authority.allows('reveal', place));
    if (allowed.length === 0) throw new DomainError('forbidden', 'What was asked for is sealed by other services, and this needs the permission to reveal there.');
    const sealed = allowed.map(({ document, path, ...layer }) => ({ text: leafAt(documents.get(document)!.content.value, parsePointer(path)) as string, layer }));
    const results = await this.unsealer.open(sealed);
    const { service, environment } = target;
    const shown = allowed.map((place) => `${layerKey(place)} ${place.document} ${place.path}`);
    const subject = { service, environment, revision: config.revision, values: shown.slice(0, RECORDED), ...(shown.length > RECORDED ? { total: shown.length } : {}) };
    await recordAct(this.dataSource, { actor, action: 'secret.reveal', subject });
    const byPlace = new Map(allowed.map((place, index) => [place, results[index]!]));
    return { revision: config.revision, values: places.map((place) => ({ ...place, ...(byPlace.get(place) ?? { fault: 'not_allowed' as const }) })) };
  }
}

function placesAsked(places: readonly SealedPlace[], { document, path }: RevealRequest): readonly SealedPlace[] {
  const pointer = path === undefined ? '' : formatPointer(parsePath(path));
  return places.filter((place) => (document === undefined || place.document === document) && (place.path === pointer || place.path.startsWith(`${pointer}/`)));
}
