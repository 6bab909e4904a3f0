if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["siskin.dev/promote"] = obj.status.rolloutId .. "/full"
return obj
