import { Inject, Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { SETTINGS, type Settings } from '../settings/settings';
import { Collected } from '../telemetry/collected';
import { Distributor } from './distributor';

/** How far NATS, and with it every edge, is behind this replica. Nothing where nothing is distributed. */
@Injectable()
export class DistributionMetrics {
  constructor(registry: Registry, distributor: Distributor, @Inject(SETTINGS) { nats }: Settings) {
    if (nats.url === undefined) return;
    const collected = new Collected(registry);
    collected.gauge('trimtab_nats_connected', 'Whether there is a connection to NATS.', () => (distributor.report().nats === 'up' ? 1 : 0));
    collected.gauge('trimtab_distribution_active', 'Whether this is the replica that distributes over NATS: one of all.', () => (distributor.report().role === 'distributor' ? 1 : 0));
    collected.gauge('trimtab_distribution_position', 'Newest revision that edges can have; 0 where it is not known.', () => distributor.report().position ?? 0);
    collected.gauge('trimtab_distribution_lag_revisions', 'Revisions that this replica knows and edges cannot have yet; 0 where it is not known.', () => distributor.report().lag ?? 0);
  }
}
