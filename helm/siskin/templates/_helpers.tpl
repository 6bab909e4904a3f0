{{/* The user as whom the operator writes. */}}
{{- define "siskin.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:siskin
{{- end }}

{{/* "true" where the cluster's version is at least this one: dict "root" $ "version" "1.30". */}}
{{- define "siskin.since" -}}
{{- if semverCompare (printf ">=%s.0-0" .version) .root.Capabilities.KubeVersion.Version }}true{{ end }}
{{- end }}

{{/* "true" if a value of auto, true or false is on: dict "value" V "auto" "true" or "". */}}
{{- define "siskin.on" -}}
{{- if eq (toString .value) "auto" }}{{ .auto }}{{ else if .value }}true{{ end }}
{{- end }}

{{/* "true" where objects of the cluster are part of the release. */}}
{{- define "siskin.clusterwide" -}}
{{- if ne .Values.scope "namespace" }}true{{ end }}
{{- end }}

{{- define "siskin.crds" -}}
{{- include "siskin.on" (dict "value" .Values.crds.install "auto" (include "siskin.clusterwide" .)) }}
{{- end }}

{{- define "siskin.userRoles" -}}
{{- include "siskin.on" (dict "value" .Values.userRoles "auto" (include "siskin.clusterwide" .)) }}
{{- end }}

{{- define "siskin.guard" -}}
{{- $fits := and (include "siskin.clusterwide" .) (include "siskin.since" (dict "root" . "version" "1.36")) }}
{{- include "siskin.on" (dict "value" .Values.guard "auto" $fits) }}
{{- end }}

{{- define "siskin.policies" -}}
{{- $fits := and (include "siskin.clusterwide" .) (include "siskin.since" (dict "root" . "version" "1.30")) }}
{{- include "siskin.on" (dict "value" .Values.policies.enabled "auto" $fits) }}
{{- end }}

{{- define "siskin.stamp" -}}
{{- $fits := and (include "siskin.policies" .) (include "siskin.since" (dict "root" . "version" "1.36")) }}
{{- include "siskin.on" (dict "value" .Values.policies.stamp "auto" $fits) }}
{{- end }}

{{- define "siskin.podDisruptionBudget" -}}
{{- $several := ternary "true" "" (gt (int .Values.replicas) 1) }}
{{- include "siskin.on" (dict "value" .Values.podDisruptionBudget "auto" $several) }}
{{- end }}

{{/* preferred, required or none; an own podAntiAffinity takes the place of auto. */}}
{{- define "siskin.antiAffinity" -}}
{{- if eq .Values.antiAffinity "auto" }}
{{- $wanted := and (gt (int .Values.replicas) 1) (not (hasKey .Values.affinity "podAntiAffinity")) }}
{{- ternary "preferred" "none" $wanted }}
{{- else }}{{ .Values.antiAffinity }}
{{- end }}
{{- end }}

{{- define "siskin.image" -}}
{{- with .Values.image }}
{{- .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Labels that only Helm knows, and the user's; none of them is in a selector. */}}
{{- define "siskin.labels" -}}
{{- $ours := dict "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") "app.kubernetes.io/instance" .Release.Name "app.kubernetes.io/managed-by" .Release.Service "app.kubernetes.io/version" .Chart.AppVersion }}
{{- toYaml (merge (deepCopy .Values.commonLabels) $ours) }}
{{- end }}

{{/* Documents with these labels beside their own, as text: dict "root" $ "text" "…". */}}
{{- define "siskin.labelled" -}}
{{- $labels := include "siskin.labels" .root | indent 4 }}
{{- $own := "(?m)^(metadata:\n(?:  .*\n)*?  labels:\n)" }}
{{- range $document := regexSplit "(?m)^---\n" .text -1 }}
{{- if regexMatch "(?m)^metadata:\n" $document }}
---
{{ if regexMatch $own $document }}
{{- regexReplaceAll $own $document (printf "${1}%s\n" $labels) }}
{{- else }}
{{- regexReplaceAll "(?m)^metadata:\n" $document (printf "metadata:\n  labels:\n%s\n" $labels) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Files as config/ has them, for this release's namespace and user: dict "root" $ "glob" "files/…". */}}
{{- define "siskin.texts" -}}
{{- $root := .root }}
{{- $namespace := printf "namespace: %s" $root.Release.Namespace }}
{{- range $path, $ignored := $root.Files.Glob .glob }}
---
{{ $root.Files.Get $path | replace "system:serviceaccount:siskin-system:siskin" (include "siskin.user" $root) | replace "namespace: siskin-system" $namespace }}
{{- end }}
{{- end }}

{{/* Those files with the release's labels. */}}
{{- define "siskin.files" -}}
{{- include "siskin.labelled" (dict "root" .root "text" (include "siskin.texts" .)) }}
{{- end }}

{{/* Mebibytes of a size in whole Mi or Gi. */}}
{{- define "siskin.mebibytes" -}}
{{- if hasSuffix "Gi" . }}{{ mul (trimSuffix "Gi" . | int64) 1024 }}{{ else }}{{ trimSuffix "Mi" . | int64 }}{{ end }}
{{- end }}
