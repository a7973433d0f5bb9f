import type { EntitySchema, MixedList } from 'typeorm';

/** Every entity, by name: a glob would load different files from `src` and from `dist`. */
export const entities: MixedList<Function | string | EntitySchema> = [];
