"use strict";

const { createHash } = require("node:crypto");
const { copyFileSync, existsSync, mkdirSync } = require("node:fs");
const path = require("node:path");

/** The functions, by the framework's names for their resources. */
const FUNCTIONS = ["Ingress", "Worker", "Notifier"];

/** The same rules for parameters as in template.yaml. */
const RULES = [
  [(p) => p.AuthMode === "NONE" && p.AllowAnonymous === "true" && !p.DailyBudgetUsd, "dailyBudgetUsd must be set if allowAnonymous is true, because anybody can spend it"],
  [(p) => p.AuthMode !== "NONE" && p.AllowAnonymous !== "false", "allowAnonymous must be false unless authMode is NONE"],
  [(p) => p.AuthMode === "JWT" && !p.JwtIssuer, "jwtIssuer must be set if authMode is JWT"],
  [(p) => p.AuthMode === "JWT" && !p.JwtAudience, "jwtAudience must be set if authMode is JWT"],
  [(p) => p.ReplyCache === "redis" && !p.ReplyCacheUrl, "replyCacheUrl must be set if replyCache is redis"],
  [(p) => p.AuroraMode === "existing" && !p.AuroraClusterArn, "auroraClusterArn must be set if auroraMode is existing"],
  [(p) => p.AuroraMode === "existing" && !p.AuroraSecretArn, "auroraSecretArn must be set if auroraMode is existing"],
  [(p) => p.AuroraMode === "create" && !p.AuroraVpcId, "auroraVpcId must be set if auroraMode is create"],
  [(p) => p.AuroraMode === "create" && !p.AuroraSubnetIds, "auroraSubnetIds must be set if auroraMode is create"],
  [(p) => (p.CustomDomainName || p.WebSocketDomainName) && !p.CertificateArn, "certificateArn must be set if customDomainName or webSocketDomainName is"],
  [(p) => p.CustomDomainName && p.CustomDomainName === p.WebSocketDomainName, "webSocketDomainName must differ from customDomainName"],
  [(p) => p.VpcSubnetIds !== "," && p.VpcSubnetIds.split(",").includes(""), "PRIVATE_SUBNET_1 and PRIVATE_SUBNET_2 must both be set, or neither"],
  [(p) => p.VpcSubnetIds !== "," && !p.VpcSecurityGroupIds, "DB_SECURITY_GROUP must be set if PRIVATE_SUBNET_1 is"],
  [(p) => p.VpcSubnetIds === "," && p.VpcSecurityGroupIds, "PRIVATE_SUBNET_1 must be set if DB_SECURITY_GROUP is"],
  [(p) => p.VpcId && !p.VpcRouteTableIds, "vpcRouteTableIds must be set if vpcId is"],
  [(p) => p.Waf === "true" && /^[1-9]$/.test(p.RateAddressPer5Minutes), "rateAddressPer5Minutes must be 0 or at least 10 if waf is true"],
];

/** Returns what is wrong with the parameters, if anything is. */
function brokenRule(parameters) {
  return RULES.find(([isBroken]) => isBroken(parameters))?.[1];
}

/**
 * Publishes a version for every changed parameter and points the aliases at it, redeploys the API when it changes, and
 * puts the worker into its VPC.
 *
 * The framework names a version after its content, so no resource file can refer to it; and CloudFormation creates a
 * new deployment of an API only if the deployment's name changes.
 */
class Chatbot {
  constructor(serverless) {
    this.serverless = serverless;
    this.hooks = {
      "before:package:initialize": () => {
        this.check();
        this.gather();
      },
      "after:package:initialize": () => this.declare(),
      "after:aws:package:finalize:mergeCustomProviderResources": () => this.link(),
    };
  }

  /** The values of the stack's parameters. */
  parameters() {
    const given = this.serverless.service.provider.stackParameters;
    return Object.fromEntries(given.map((p) => [p.ParameterKey, String(p.ParameterValue)]));
  }

  check() {
    const broken = brokenRule(this.parameters());
    if (broken) throw new this.serverless.classes.Error(broken);
  }

  /** Gives each package its own name: cargo lambda names all of them bootstrap.zip. */
  gather() {
    const { serviceDir, classes } = this.serverless;
    const folder = path.join(serviceDir, ".artifacts");
    mkdirSync(folder, { recursive: true });
    for (const name of FUNCTIONS.map((name) => name.toLowerCase())) {
      const built = path.join(serviceDir, "../../target/lambda", name, "bootstrap.zip");
      if (!existsSync(built)) {
        throw new classes.Error(`target/lambda/${name}/bootstrap.zip is missing; build it as described in README.md`);
      }
      copyFileSync(built, path.join(folder, `${name}.zip`));
    }
  }

  /**
   * Declares the parameters in the stack's first template too, which contains only the deployment bucket.
   *
   * The framework already passes all values with it, and CloudFormation rejects values for undeclared parameters.
   * With an existing deployment bucket, there is no such template.
   */
  declare() {
    const { provider, resources } = this.serverless.service;
    const first = provider.coreCloudFormationTemplate;
    if (first) first.Parameters = structuredClone(resources.Parameters);
  }

  link() {
    const template = this.serverless.service.provider.compiledCloudFormationTemplate;
    for (const name of FUNCTIONS) publish(template.Resources, name);
    renameDeployment(template, this.parameters());
    enterVpc(template.Resources.WorkerLambdaFunction);
  }
}

/** Publishes a version for each version of the configuration, and points the alias at it; versions before are kept. */
function publish(resources, name) {
  const isVersion = ([, resource]) =>
    resource.Type === "AWS::Lambda::Version" && resource.Properties.FunctionName.Ref === `${name}LambdaFunction`;
  const found = Object.entries(resources).find(isVersion);
  if (!found) throw new Error(`${name} has no published version: versionFunctions must stay true`);
  const [logicalId, version] = found;
  const lambda = resources[`${name}LambdaFunction`].Properties;
  // In the function too, because Lambda publishes no version of a function that has not changed.
  lambda.Description = { "Fn::Sub": `${lambda.Description} Configuration \${Configuration.VersionNumber}.` };
  version.Properties.Description = structuredClone(lambda.Description);
  version.UpdateReplacePolicy = "Retain";
  resources[`${name}Alias`].Properties.FunctionVersion = { "Fn::GetAtt": [logicalId, "Version"] };
}

/** Names the deployment after the API's definition and the parameters, whose values the definition does not show. */
function renameDeployment(template, parameters) {
  const resources = template.Resources;
  const isShown = ([name]) => !template.Parameters[name]?.NoEcho;
  const shown = Object.entries(parameters).filter(isShown).sort();
  const text = JSON.stringify([resources.RestApi.Properties.Body, shown]);
  const name = `RestDeployment${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
  resources[name] = resources.RestDeployment;
  delete resources.RestDeployment;
  resources.RestStage.Properties.DeploymentId = { Ref: name };
}

/** Sets the VPC by a condition of the stack, which the framework's own VPC setting does not support. */
function enterVpc(worker) {
  const network = { SubnetIds: { Ref: "VpcSubnetIds" }, SecurityGroupIds: { Ref: "VpcSecurityGroupIds" } };
  worker.Properties.VpcConfig = { "Fn::If": ["InVpc", network, { Ref: "AWS::NoValue" }] };
}

module.exports = Chatbot;
module.exports.brokenRule = brokenRule;
