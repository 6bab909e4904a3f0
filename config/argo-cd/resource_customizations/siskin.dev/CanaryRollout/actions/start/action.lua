if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["siskin.dev/start"] = obj.status.rolloutId
return obj
