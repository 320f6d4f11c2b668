/** The rights that are needed, no more: of who uses cellfan, and of the functions themselves. */

/** The role that functions run as, unless another one is named. */
export const roleName = "cellfan-lambda"

export const roleTrust = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
}

const buckets = ["arn:aws:s3:::cellfan-*", "arn:aws:s3:::cellfan-*/*"]
/** A bucket that nobody named is made by whoever first writes to it: that may be a function, whose result is large. */
const objects = [
  "s3:CreateBucket",
  "s3:GetObject",
  "s3:PutObject",
  "s3:DeleteObject",
  "s3:ListBucket",
  "s3:AbortMultipartUpload",
]

/** Of the functions: logs, and the buckets that cellfan makes. */
export const roleRights = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: "arn:aws:logs:*:*:log-group:/aws/lambda/cellfan-*",
    },
    { Effect: "Allow", Action: objects, Resource: buckets },
  ],
}

/** Of who uses cellfan. */
export function userPolicy(roleArn = `arn:aws:iam::*:role/${roleName}`) {
  const isOwn = roleArn.endsWith(`/${roleName}`)
  const makeRole = {
    Sid: "MakeTheRoleOfTheFunctions",
    Effect: "Allow",
    Action: ["iam:GetRole", "iam:CreateRole", "iam:GetRolePolicy", "iam:PutRolePolicy"],
    Resource: roleArn,
  }
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "DeployAndCallFunctions",
        Effect: "Allow",
        Action: [
          "lambda:GetFunctionConfiguration",
          "lambda:CreateFunction",
          "lambda:InvokeFunction",
          "lambda:DeleteFunction",
          "lambda:TagResource",
          "lambda:ListTags",
        ],
        Resource: "arn:aws:lambda:*:*:function:cellfan-*",
      },
      { Sid: "ListFunctions", Effect: "Allow", Action: "lambda:ListFunctions", Resource: "*" },
      ...(isOwn ? [makeRole] : []),
      {
        Sid: "HandTheRoleToLambda",
        Effect: "Allow",
        Action: "iam:PassRole",
        Resource: roleArn,
        Condition: { StringEquals: { "iam:PassedToService": "lambda.amazonaws.com" } },
      },
      {
        Sid: "StoreWhatIsLargerThanACall",
        Effect: "Allow",
        Action: objects,
        Resource: buckets,
      },
    ],
  }
}
