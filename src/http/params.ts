import { DocumentName, LabelName } from './shape';

/** Path parameters `{service}` and `{environment}`: one layer. */
export class LayerNameParams {
  @LabelName()
  service!: string;

  @LabelName()
  environment!: string;
}

/** Path parameters of one document of a layer. */
export class DocumentParams extends LayerNameParams {
  @DocumentName()
  name!: string;
}

export class ServiceParams {
  @LabelName()
  service!: string;
}

export class EnvironmentParams {
  @LabelName()
  environment!: string;
}
