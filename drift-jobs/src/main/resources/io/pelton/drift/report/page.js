(function(){
var table=document.getElementById('overview');
if(!table)return;
var body=table.tBodies[0],rows=[].slice.call(body.rows);
function open(){
var at=/^#f\d+$/.test(location.hash)&&document.getElementById(location.hash.slice(1));
if(at){at.parentNode.open=true;at.parentNode.scrollIntoView();}
}
addEventListener('hashchange',open);
open();
if(rows.length>8){
var input=document.createElement('input');
input.type='search';
input.placeholder='Filter by name';
input.setAttribute('aria-label','Filter by name');
input.oninput=function(){
var sought=input.value.toLowerCase();
rows.forEach(function(row){row.hidden=row.cells[1].textContent.toLowerCase().indexOf(sought)<0;});
};
table.parentNode.parentNode.insertBefore(input,table.parentNode);
}
[].forEach.call(table.tHead.rows[0].cells,function(head,column){
if(column===0||head.className==='t')return;
var numbers=/\bn\b/.test(head.className),up=!numbers;
head.className+=' sortable';
head.tabIndex=0;
function key(row){
var text=row.cells[column].textContent;
if(!numbers)return text;
var number=parseFloat(text.replace(/^.*\u2192/,'').replace(/[^0-9.eE+-]/g,''));
return isNaN(number)?-Infinity:number;
}
function sort(){
rows.slice().sort(function(a,b){
var x=key(a),y=key(b),order=x<y?-1:x>y?1:0;
return up?order:-order;
}).forEach(function(row){body.appendChild(row);});
[].forEach.call(table.tHead.rows[0].cells,function(other){other.removeAttribute('aria-sort');});
head.setAttribute('aria-sort',up?'ascending':'descending');
up=!up;
}
head.onclick=sort;
head.onkeydown=function(event){if(event.key==='Enter'||event.key===' '){event.preventDefault();sort();}};
});
[].forEach.call(document.querySelectorAll('table.heat'),function(heat){
heat.onmousemove=function(event){
var cell=event.target.closest&&event.target.closest('tbody td');
if(!cell)return;
var box=cell.getBoundingClientRect(),columns=+heat.dataset.columns;
var column=Math.min(columns-1,Math.max(0,Math.floor((event.clientX-box.left)/box.width*columns)));
var end=new Date(+heat.dataset.first+column*heat.dataset.step);
cell.title=cell.parentNode.cells[0].textContent+', window to '+end.toISOString().slice(0,16).replace('T',' ')+' UTC';
};
});
})();
