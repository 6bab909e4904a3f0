if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["siskin.dev/abort"] = obj.status.rolloutId
return obj
