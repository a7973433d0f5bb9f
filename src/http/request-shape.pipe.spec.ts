import type { Type } from '@nestjs/common';
import { PageQuery } from './page';
import { LayerNameParams } from './params';
import { RequestShapePipe } from './request-shape.pipe';
import { AnyJson, Flag, LabelName, Moment, NestedList, Text, WholeNumber } from './shape';

class Item {
  @LabelName()
  name!: string;

  @AnyJson({ optional: true })
  value?: unknown;
}

class Order {
  @NestedList(() => Item, { max: 2 })
  items!: Item[];

  @Text({ optional: true, max: 5 })
  note?: string;

  @Moment({ optional: true })
  due?: string;

  @AnyJson()
  data!: unknown;
}

class Query extends PageQuery {
  @Flag({ optional: true })
  all?: boolean;
}

class Needy {
  @WholeNumber({ min: 1 })
  version!: number;
}

const pipe = new RequestShapePipe();
const shaped = (type: 'body' | 'query' | 'param', metatype: Type, value: unknown) => pipe.transform(value, { type, metatype });
const body = (value: unknown) => shaped('body', Order, value);
const faultsOf = async (shaping: Promise<unknown>): Promise<string[]> => {
  const error = (await shaping.then(() => undefined, (reason: unknown) => reason)) as { code: string; extra: { errors: { pointer: string }[] } };
  expect(error.code).toBe('malformed_request');
  return error.extra.errors.map(({ pointer }) => pointer);
};

describe('given a body', () => {
  it('becomes an object of the class, with objects of the nested class', async () => {
    const order = (await body({ items: [{ name: 'a', value: 1 }], data: null })) as Order;
    expect(order).toBeInstanceOf(Order);
    expect(order.items[0]).toBeInstanceOf(Item);
  });

  it('takes JSON data as it is, whatever its keys are', async () => {
    const data: unknown = JSON.parse('{"__proto__":{"polluted":1},"constructor":5,"prototype":[{"constructor":{"name":null}}]}');
    const order = (await body({ items: [{ name: 'a', value: data }], data })) as Order;
    expect(JSON.stringify(order.data)).toBe(JSON.stringify(data));
    expect(order.items[0]?.value).toBe(data);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it.each([
    ['an unknown field', { items: [], data: 1, nope: 1 }, ['/nope']],
    ['an unknown field in a nested object', { items: [{ name: 'a', 'x/y': 1 }], data: 1 }, ['/items/0/x~1y']],
    ['a field that every object inherits', { items: [], data: 1, toString: 'x' }, ['/toString']],
    ['a constructor', JSON.parse('{"items":[],"data":1,"constructor":{"a":1}}'), ['/constructor']],
    ['a prototype', JSON.parse('{"items":[{"name":"a","__proto__":{}}],"data":1}'), ['/items/0/__proto__']],
    ['a bad name in a nested object', { items: [{ name: 'a' }, { name: '../etc' }], data: 1 }, ['/items/1/name']],
    ['too long a text', { items: [], data: 1, note: '123456' }, ['/note']],
    ['a NUL in a text', { items: [], data: 1, note: 'a\0b' }, ['/note']],
    ['half a surrogate pair', { items: [], data: 1, note: '\ud800' }, ['/note']],
    ['a date that is none', { items: [], data: 1, due: 'tomorrow' }, ['/due']],
    ['missing data', { items: [] }, ['/data']],
    ['a number written as text', { items: [], data: 1, note: 7 }, ['/note', '/note', '/note']],
  ])('refuses %s', async (_name, value, pointers) => {
    const found = await faultsOf(body(value));
    expect([...new Set(found)]).toEqual([...new Set(pointers)]);
  });

  it.each([
    ['text', 'x'],
    ['a list', []],
    ['null', null],
    ['a number', 5],
  ])('refuses %s where an object is expected', async (_name, value) => {
    await expect(body(value)).rejects.toMatchObject({ code: 'malformed_request', pointer: '' });
  });

  it('refuses a nested list that is none, holds no objects or is too long', async () => {
    for (const items of ['x', {}, [1], [null], [[{ name: 'a' }]], [{ name: 'a' }, { name: 'b' }, { name: 'c' }]]) {
      await expect(body({ items, data: 1 })).rejects.toMatchObject({ code: 'malformed_request' });
    }
  });

  it('says that a body is needed when there is none', async () => {
    await expect(body(undefined)).rejects.toThrow('needs a JSON body');
  });
});

describe('given a query string', () => {
  it('reads numbers and flags, and knows the defaults', async () => {
    expect(await shaped('query', Query, { limit: '7', all: 'true' })).toMatchObject({ limit: 7, all: true });
    expect(await shaped('query', Query, {})).toMatchObject({ limit: 50 });
    expect(await shaped('query', Query, { all: 'false' })).toMatchObject({ all: false });
  });

  it.each([{ limit: '0' }, { limit: '201' }, { limit: '1.5' }, { limit: '0x10' }, { limit: '' }, { limit: ['1', '2'] }, { all: 'yes' }, { cursor: ['a', 'b'] }, { other: '1' }])(
    'refuses %j',
    async (query) => {
      await expect(shaped('query', Query, query)).rejects.toMatchObject({ code: 'malformed_request' });
    },
  );
});

describe('given path parameters', () => {
  it.each(['a/b', '..', '.', '', 'a\0', 'Ä', 'a b', 'UPPER', '-a', 'a-', 'ａ', 'a'.repeat(64), '__proto__'])('refuses %j as a name', async (service) => {
    await expect(shaped('param', LayerNameParams, { service, environment: 'base' })).rejects.toMatchObject({ code: 'malformed_request', pointer: '/service' });
  });

  it('does not take a number that is too large to be exact', async () => {
    await expect(shaped('param', Needy, { version: '9007199254740993' })).rejects.toMatchObject({ code: 'malformed_request' });
    expect(await shaped('param', Needy, { version: '12' })).toEqual({ version: 12 });
  });
});
