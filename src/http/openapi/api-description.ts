import { Injectable } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';

/** The OpenAPI document of the running server, made when it is first asked for: starting does not wait for it. */
@Injectable()
export class ApiDescription {
  private create: (() => OpenAPIObject) | undefined;
  private json: string | undefined;

  /** How to make the document; only the application itself can, after it was created. */
  from(create: () => OpenAPIObject): void {
    this.create = create;
  }

  asJson(): string {
    if (this.create === undefined) throw new Error('Nobody has said how to make the OpenAPI document.');
    this.json ??= JSON.stringify(this.create());
    return this.json;
  }
}
